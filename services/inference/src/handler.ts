import { join } from 'node:path';
import { FoleyResult, FoleySpec } from '@soundstage/contracts';
import { badInput, checkReference, fetchObject, storeFile, type Stage } from '@soundstage/core';
import { extensionFor } from '@soundstage/media';
import type { Foley } from './jobs/foley/open-foley.js';

/** What the sound may be asked for in; longer texts are no sound names. */
const LONGEST_SOUND = 200;

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
      const inputPath = join(scratch, 'input');
      await fetchObject(store, spec.video, inputPath, signal);
      progress('fetch', 1);
      const extension = await extensionFor(inputPath, signal);
      const outputPath = join(scratch, `output${extension.suffix}`);
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
      const video = await storeFile(
        store,
        outputPath,
        `${outputPrefix}/video${extension.suffix}`,
        extension.mediaType,
        signal,
      );
      progress('store', 1);
      return FoleyResult.fromPartial({
        video,
        classes: outcome.classes,
        onsets: outcome.onsets,
        seed: spec.seed,
        sounds: outcome.sounds,
        timings: Object.entries(outcome.timings).map(([step, seconds]) => ({ step, seconds })),
        warnings: outcome.warnings,
        durationS: outcome.durationS,
        loudnessLufs: outcome.loudnessLufs,
        truePeakDbtp: outcome.truePeakDbtp,
      });
    },
  };
}
