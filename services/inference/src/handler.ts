import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FoleyResult, FoleySpec } from '@soundstage/contracts';
import { badInput, checkReference, fetchObject, storeFile, type Stage } from '@soundstage/core';
import { defaultOutputExtension, probe, type OutputExtension } from '@soundstage/media';
import type { Foley } from './jobs/foley/open-foley.js';

/** What the sound may be asked for in; longer texts are no sound names. */
const LONGEST_SOUND = 200;

const MEDIA_TYPES: Record<OutputExtension, string> = {
  '.mp4': 'video/mp4',
  '.mov': 'video/quicktime',
  '.mkv': 'video/x-matroska',
  '.webm': 'video/webm',
};

/** The foley job as work from the queue: fetch the video, run the job, store the result. */
export function createFoleyStage(foley: Foley): Stage<FoleySpec, 'foley'> {
  return {
    kind: 'foley',
    codeVersion: foley.version,
    steps: [{ name: 'fetch', share: 2 }, ...foley.steps, { name: 'store', share: 2 }],
    spec: FoleySpec,
    result: FoleyResult,

    check(spec) {
      checkReference(spec.video, 'spec.video');
      if (spec.sound.length > LONGEST_SOUND) {
        throw badInput(`The sound has ${spec.sound.length} letters; the limit is ${LONGEST_SOUND}.`, 'spec.sound');
      }
      if (spec.seed > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw badInput(`The seed must be at most ${Number.MAX_SAFE_INTEGER}.`, 'spec.seed');
      }
      // A sound that nobody knows is refused now, not after the video was looked at.
      if (spec.sound) foley.findSound(spec.sound);
    },

    inputs: (spec) => (spec.video ? [spec.video] : []),

    async run(spec, { signal, store, scratch, progress, outputPrefix }) {
      checkReference(spec.video, 'spec.video');
      progress('fetch', 0);
      // A folder of its own, so that a name that people chose can't meet one of ours.
      await mkdir(join(scratch, 'in'));
      const inputPath = join(scratch, 'in', fileNameOf(spec));
      await fetchObject(store, spec.video, inputPath, signal);
      progress('fetch', 1);
      const extension = defaultOutputExtension(await probe(inputPath, { signal }));
      const outputPath = join(scratch, `output${extension}`);
      const outcome = await foley.run({
        inputPath,
        outputPath,
        ...(spec.sound ? { sound: spec.sound } : {}),
        keepOriginal: spec.keepOriginal,
        seed: Number(spec.seed),
        signal,
        onProgress: progress,
      });
      progress('store', 0);
      const key = `${outputPrefix}/video${extension}`;
      const video = await storeFile(store, outputPath, key, MEDIA_TYPES[extension], signal);
      progress('store', 1);
      return FoleyResult.fromPartial({
        video,
        classes: outcome.classes,
        onsets: outcome.onsets,
        seed: spec.seed,
        sounds: outcome.sounds,
        timings: Object.entries(outcome.timings).map(([step, seconds]) => ({ step: step.replace(/_s$/, ''), seconds })),
        warnings: outcome.warnings,
        durationS: outcome.durationS,
        loudnessLufs: outcome.loudnessLufs,
        truePeakDbtp: outcome.truePeakDbtp,
      });
    },
  };
}

/** The name that people gave, as far as a file system takes it. */
function fileNameOf(spec: FoleySpec): string {
  const name = basename(spec.fileName.replaceAll('\0', '')).slice(0, 60);
  return name === '' || name === '.' || name === '..' ? 'video' : name;
}
