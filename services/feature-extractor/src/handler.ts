import { join } from 'node:path';
import {
  FeatureExtractionResult,
  FeatureExtractionSpec,
  type FeatureFile,
  type ObjectRef,
} from '@soundstage/contracts';
import {
  badInput,
  checkFeatures,
  checkFrameRate,
  checkReference,
  fetchObject,
  isSoundFeature,
  storeFile,
  type Stage,
  type WorkContext,
} from '@soundstage/core';
import { probeStored, type MediaInfo } from '@soundstage/media';
import { checkSize, createFeatureArrays } from './arrays.js';
import type { FeatureExtractorConfig } from './config.js';
import type { Extraction } from './extraction.js';
import { bySource, RECIPES, type KnownFeature } from './features.js';
import type { FeatureModels } from './feature-models.js';
import { extractPicture } from './picture/extract-picture.js';
import { expectedFrames, type PictureOf } from './picture/frames.js';
import { extractSound, soundRateHz, type SoundOf } from './sound/extract-sound.js';

const CODE_VERSION = '2';

/** Feature extraction as work from the queue: fetch the clip, decode it once for all features, store the arrays. */
export function createFeatureExtractionStage(
  models: FeatureModels,
  config: FeatureExtractorConfig,
): Stage<FeatureExtractionSpec, 'featureExtraction'> {
  const stage: Stage<FeatureExtractionSpec, 'featureExtraction'> = {
    kind: 'featureExtraction',
    codeVersion: CODE_VERSION,
    steps: [
      { name: 'fetch', share: 5 },
      { name: 'extract', share: 85 },
      { name: 'store', share: 10 },
    ],
    spec: FeatureExtractionSpec,
    result: FeatureExtractionResult,

    check(spec) {
      checkReference(spec.clip, 'spec.clip');
      if (spec.sound) checkReference(spec.sound, 'spec.sound');
      checkFeatures(spec.features, 'spec.features');
      checkFrameRate(spec.frameRate, 'spec.frame_rate');
      models.versionOf(spec.features as KnownFeature[]);
    },

    inputs: ({ clip, sound }) => [clip, sound].filter((reference) => reference !== undefined),

    // Other models give other numbers: the hashes of those that are used, and of no others, are part of the work's key.
    pin(spec) {
      return {
        codeVersion: `${CODE_VERSION}-${models.versionOf(spec.features as KnownFeature[])}`,
        run: (context) => stage.run(spec, context),
        release: () => undefined,
      };
    },

    async run(spec, context) {
      const { scratch, signal, progress } = context;
      const features = spec.features as KnownFeature[];
      const { picture: ofPicture, sound: ofSound } = bySource(features);
      const maxBytes = config.SOUNDSTAGE_FEATURE_BYTES;
      progress('fetch', 0);
      const clip = await fetchMedia(spec.clip, 'spec.clip', context);
      const sounding = spec.sound && ofSound.length > 0 ? await fetchMedia(spec.sound, 'spec.sound', context) : clip;
      progress('fetch', 1);

      progress('extract', 0);
      const picture = ofPicture.length > 0 ? pictureOf(clip, spec.frameRate, signal) : undefined;
      const sound = ofSound.length > 0 ? soundOf(sounding, spec.sound ? 'spec.sound' : 'spec.clip', signal) : undefined;
      const rows = (feature: KnownFeature) =>
        isSoundFeature(feature) ? sound!.info.durationS * soundRateHz(feature, models) : expectedFrames(picture!);
      for (const feature of features) {
        const numbers = models.rowShapeOf(feature).reduce((product, side) => product * side, 1);
        // Before the work what is known to be too large; the rest when it is.
        checkSize(feature, Math.floor(0.9 * rows(feature)) * numbers * 4, maxBytes);
      }

      const arrays = await createFeatureArrays(features, models, { folder: scratch, maxBytes });
      const share = ofPicture.length / features.length;
      const part = (begin: number, length: number): Extraction => ({
        models,
        arrays,
        signal,
        onProgress: (done) => progress('extract', Math.min(0.99, begin + length * done)),
      });
      let made;
      try {
        if (picture) await extractPicture(picture, ofPicture, part(0, share));
        if (sound) await extractSound(sound, ofSound, part(share, 1 - share));
        made = await arrays.finish();
      } catch (error) {
        await arrays.abandon();
        throw error;
      }
      progress('extract', 1);

      progress('store', 0);
      const files: FeatureFile[] = [];
      for (const feature of features) {
        const { path, shape } = made.get(feature)!;
        const key = `${context.outputPrefix}/${RECIPES[feature].name}.npy`;
        files.push({
          feature,
          array: await storeFile(context.store, path, key, 'application/x-npy', signal),
          shape,
          model: models.idOf(feature),
          rateHz: isSoundFeature(feature) ? soundRateHz(feature, models) : spec.frameRate,
        });
        progress('store', files.length / features.length);
      }
      return { files };
    },
  };
  return stage;
}

interface Media {
  path: string;
  info: MediaInfo;
}

async function fetchMedia(
  reference: ObjectRef | undefined,
  field: string,
  { store, scratch, signal }: WorkContext,
): Promise<Media> {
  checkReference(reference, field);
  const { sha256 } = reference;
  const path = join(scratch, `clip-${sha256.slice(0, 12)}`);
  await fetchObject(store, reference, path, signal);
  return { path, info: await probeStored(store, { path, sha256 }, { signal }) };
}

function pictureOf({ path, info }: Media, frameRate: number, signal: AbortSignal): PictureOf {
  const { video } = info;
  if (!video) throw badInput('The clip has no picture, which features come from.', 'spec.clip');
  return { path, info: { ...info, video }, frameRate, signal };
}

function soundOf({ path, info }: Media, field: string, signal: AbortSignal): SoundOf {
  if (!info.audio) throw badInput('The clip has no sound, which features of sound come from.', field);
  return { path, info, signal };
}
