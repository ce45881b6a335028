import { basename, extname, join, posix } from 'node:path';
import { isBucketAddress } from '@soundstage/adapters';
import type { MediaInfo } from '@soundstage/media';
import type { BatchPlan } from '../../batch/batch-job.js';
import type { BatchInput } from '../../batch/find-inputs.js';
import type { BatchTarget } from '../../batch/places.js';
import type { SyncOptions } from '../options.js';
import { repairedExtension } from '../run.js';
import type { SyncMaker } from '../sync-maker.js';
import { filmJson, filmView, type FilmView } from './film-view.js';

/** What a batch is going to do with one film: a report of it, and the repaired film where there is something to repair. */
export function planFilm(
  input: BatchInput,
  { path, info }: { path: string; info: MediaInfo },
  batch: { sync: Pick<SyncMaker, 'run'>; target: BatchTarget; options: SyncOptions },
): BatchPlan<FilmView> {
  const { sync, target, options } = batch;
  const { output, report } = filesOf(input, info, batch);
  const isWritten = (file: string | undefined): file is string => file !== undefined;
  return {
    files: [output, report].filter(isWritten),
    unknown: () => undefined,
    async make({ signal, onProgress }) {
      const made = await sync.run({
        inputPath: path,
        ...(output === undefined ? {} : { outputPath: join(target.folder, output) }),
        ...(report === undefined ? {} : { reportPath: join(target.folder, report) }),
        title: basename(input.name),
        // A film of a bucket isn't beside its report, nor is one of this machine beside a report in a bucket.
        playable: target.isNear && !isBucketAddress(input.path),
        rangeS: options.range,
        signal,
        onProgress,
      });
      const files = { output: made.repaired ? output : undefined, report };
      const { models, timings } = made;
      const told = filmJson(filmView(made, { files, tookS: 0 }), (file) => target.addressOf(file));
      return {
        files: [files.output, files.report].filter(isWritten),
        clip: async (tookS) => filmView(made, { files, tookS }),
        told: { ...told, models, timings },
      };
    },
  };
}

/**
 * `sub/clip.mp4` stays `sub/clip.mp4`; where the repaired film is of another kind, the whole name is kept in front:
 * `clip.wmv.mkv`. Its report is `sub/clip.mp4.sync.html`.
 */
function filesOf(
  { name }: BatchInput,
  info: MediaInfo,
  { target, options }: { target: BatchTarget; options: SyncOptions },
): { output: string | undefined; report: string | undefined } {
  const [folder, own] = [posix.dirname(name), posix.basename(name)];
  const extension = repairedExtension(info);
  const below = (file: string) => (folder === '.' ? file : `${folder}/${file}`);
  const kept = (file: string) => (target.keeps?.(file) === false ? undefined : file);
  return {
    output: options.measure ? undefined : kept(below(extname(own).toLowerCase() === extension ? own : own + extension)),
    report: kept(below(`${own}.sync.html`)),
  };
}
