import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { badInput } from '@soundstage/core';
import type { MediaInfo } from '@soundstage/media';
import type { BatchPlan } from '../../batch/batch-job.js';
import type { BatchInput } from '../../batch/find-inputs.js';
import type { BatchTarget } from '../../batch/places.js';
import type { FoleyMaker } from '../foley-maker.js';
import { foleyJson } from '../json.js';
import type { FoleyOptions } from '../options.js';
import { takesAt, videoExtension, writtenFiles, type TakePaths } from '../outputs.js';
import { clipView, type ClipView } from '../report/clip-view.js';
import { runPlan, type FoleyResult } from '../run.js';

/**
 * What a batch is going to make of one input: its takes, where the target keeps them.
 *
 * Throws SoundstageError BAD_INPUT for a file without a picture.
 */
export function planClip(
  input: BatchInput,
  { path, info }: { path: string; info: MediaInfo },
  batch: { foley: Pick<FoleyMaker, 'run'>; target: BatchTarget; options: FoleyOptions },
): BatchPlan<ClipView> {
  const { foley, target, options } = batch;
  if (info.video === undefined) throw badInput(`${info.name} has no picture: give a video or a still image.`, 'input');
  const takes = takesFor(input, info, batch);
  const relativeTo = (file: string) => relative(target.folder, file).split(sep).join('/');
  const files = takes.flatMap(writtenFiles).map(relativeTo);
  return {
    files,
    unknown(existing) {
      const known = takes.filter((take) => take.video === undefined || existing.includes(relativeTo(take.video)));
      return unknownClip(known, info, relativeTo);
    },
    async make({ signal, onProgress }) {
      if (info.still && options.engine === 'regnet')
        throw badInput('It is a still image, and the engine regnet hears what moves.', 'engine');
      const stillDurationS = info.still ? options.duration : undefined;
      const plan = { input: path, info, takes, cues: undefined, seed: options.seed, stillDurationS };
      const result = await runPlan(foley, plan, { ...options, signal, onProgress });
      return {
        files,
        clip: (tookS) => clipView({ result, info, inputPath: path, tookS, relative: relativeTo, signal }),
        told: foleyJson(withAddresses(result, (file) => target.addressOf(relativeTo(file)))),
      };
    },
  };
}

/**
 * `sub/clip.mp4` stays `sub/clip.mp4`. Where the result is of another kind, the whole name is kept in front, so that
 * `clip.avi` and `clip.png` don't meet: `clip.avi.mp4`, `clip.png.mp4`. Further takes are `clip.take-2.mp4`.
 */
function takesFor(
  input: BatchInput,
  info: MediaInfo,
  { target, options }: { target: BatchTarget; options: FoleyOptions },
): TakePaths[] {
  const { only, saveCues = false, candidates = 1 } = options;
  const folder = join(target.folder, dirname(input.name));
  const extension = videoExtension(info);
  const own = basename(input.name);
  const video = extname(own).toLowerCase() === extension ? own : own + extension;
  return takesAt(join(folder, only === 'cues' ? `${own}.cues.json` : video), {
    only,
    saveCues,
    candidates,
    mark: '.take-',
  });
}

/** The result as people find it. */
function withAddresses({ outcome, takes, edited }: FoleyResult, addressOf: (path: string) => string): FoleyResult {
  const known = (path: string | undefined) => path && addressOf(path);
  return {
    outcome: {
      ...outcome,
      candidates: outcome.candidates.map((candidate) => ({ ...candidate, output: known(candidate.output) })),
    },
    takes: takes.map(({ video, cues, vtt }) => ({ video: known(video), cues: known(cues), vtt: known(vtt) })),
    edited,
  };
}

/** A result that was there before, of which nothing is known but where it lies. */
function unknownClip(takes: readonly TakePaths[], info: MediaInfo, relativeTo: (path: string) => string): ClipView {
  return {
    durationS: info.durationS,
    still: info.still,
    classes: [],
    warnings: [],
    stills: [],
    takes: takes.map(({ video, cues }) => ({
      video: video && relativeTo(video),
      cues: cues && relativeTo(cues),
      sounds: [],
      drawnHits: [],
      drawnLayers: [],
      peaks: [],
    })),
  };
}
