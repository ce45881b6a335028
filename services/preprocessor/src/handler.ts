import { join } from 'node:path';
import { FeatureExtractionSpec, PreprocessingResult, PreprocessingSpec } from '@soundstage/contracts';
import { badInput, checkPreprocessing, checkReference, fetchObject, storeFile, type Stage } from '@soundstage/core';
import { cutClip, probe } from '@soundstage/media';
import type { PreprocessorConfig } from './config.js';

/** Longest clip that is cut, seconds: that of `cutClip`. */
const LONGEST_S = 3600;

/** Preprocessing as work from the queue: fetch the clip, cut it exactly, store picture and sound. */
export function createPreprocessingStage(config: PreprocessorConfig): Stage<PreprocessingSpec, 'preprocessing'> {
  return {
    kind: 'preprocessing',
    codeVersion: '1',
    steps: [
      { name: 'fetch', share: 10 },
      { name: 'cut', share: 80 },
      { name: 'store', share: 10 },
    ],
    spec: PreprocessingSpec,
    result: PreprocessingResult,

    check(spec) {
      checkReference(spec.clip, 'spec.clip');
      checkPreprocessing(spec, 'spec');
    },

    inputs: (spec) => (spec.clip ? [spec.clip] : []),

    async run(spec, { store, scratch, outputPrefix, signal, progress, submit }) {
      checkReference(spec.clip, 'spec.clip');
      progress('fetch', 0);
      const path = join(scratch, `clip-${spec.clip.sha256.slice(0, 12)}`);
      await fetchObject(store, spec.clip, path, signal);
      const limits = { bytes: config.SOUNDSTAGE_CLIP_BYTES };
      const info = await probe(path, { limits, signal });
      if (!info.video || info.still)
        throw badInput('The clip has no moving picture, which is what is cut.', 'spec.clip');
      progress('fetch', 1);

      const durationS = spec.durationS || info.video.startS + info.video.durationS - spec.startS;
      if (!(durationS > 0)) {
        throw badInput(
          `The clip is ${info.durationS.toFixed(2)} s long: it can't be cut from ${spec.startS} s on.`,
          'spec.start_s',
        );
      }
      if (durationS > LONGEST_S) {
        throw badInput(`The cut is ${durationS.toFixed(0)} s long; the limit is ${LONGEST_S} s.`, 'spec.duration_s');
      }
      progress('cut', 0, `${durationS.toFixed(2)} s at ${spec.frameRate} frames/s`);
      const videoPath = join(scratch, 'video.mp4');
      const soundPath = join(scratch, 'sound.wav');
      const { startS, frameRate, width, height, sampleRateHz } = spec;
      const cut = await cutClip({
        path,
        startS,
        durationS,
        frameRate,
        width,
        height,
        sampleRateHz,
        videoPath,
        soundPath,
        info,
        limits,
        signal,
      });
      progress('cut', 1);

      progress('store', 0);
      const video = await storeFile(store, videoPath, `${outputPrefix}/video.mp4`, 'video/mp4', signal);
      progress('store', 0.5);
      const audio = cut.hasSound
        ? await storeFile(store, soundPath, `${outputPrefix}/sound.wav`, 'audio/wav', signal)
        : undefined;
      progress('store', 1);
      const nextJobId =
        spec.thenExtract.length > 0
          ? await submit('featureExtraction', FeatureExtractionSpec.toJSON({ clip: video, features: spec.thenExtract }))
          : '';
      return {
        video,
        audio,
        frameCount: cut.frames,
        sampleCount: BigInt(cut.hasSound ? cut.samples : 0),
        nextJobId,
      };
    },
  };
}
