import { join } from 'node:path';
import { FeatureExtractionResult, FeatureExtractionSpec, type FeatureFile } from '@soundstage/contracts';
import { badInput, checkFeatures, checkReference, fetchObject, storeFile, type Stage } from '@soundstage/core';
import { decodeFrames, probe } from '@soundstage/media';
import type { FeatureExtractorConfig } from './config.js';
import { createExtraction } from './extract.js';
import { modelId, RECIPES, type FeatureModels, type KnownFeature } from './feature-models.js';

/** Feature extraction as work from the queue: fetch the clip, decode it once for all features, store the arrays. */
export function createFeatureExtractionStage(
  models: FeatureModels,
  config: FeatureExtractorConfig,
): Stage<FeatureExtractionSpec, 'featureExtraction'> {
  return {
    kind: 'featureExtraction',
    // Other models give other numbers: their hashes are part of the work's key.
    codeVersion: `1-${models.version}`,
    steps: [
      { name: 'fetch', share: 5 },
      { name: 'extract', share: 85 },
      { name: 'store', share: 10 },
    ],
    spec: FeatureExtractionSpec,
    result: FeatureExtractionResult,

    check(spec) {
      checkReference(spec.clip, 'spec.clip');
      checkFeatures(spec.features, 'spec.features');
    },

    inputs: (spec) => (spec.clip ? [spec.clip] : []),

    async run(spec, { store, scratch, outputPrefix, signal, progress }) {
      checkReference(spec.clip, 'spec.clip');
      progress('fetch', 0);
      const clip = join(scratch, `clip-${spec.clip.sha256.slice(0, 12)}`);
      await fetchObject(store, spec.clip, clip, signal);
      const info = await probe(clip, { signal });
      if (!info.video) throw badInput('The clip has no picture, which features come from.', 'spec.clip');
      progress('fetch', 1);

      progress('extract', 0);
      const wanted = (spec.features as KnownFeature[]).map((feature) => {
        const recipe = RECIPES[feature];
        const path = join(scratch, `${recipe.name}.npy`);
        const model = models.of(feature);
        const maxBytes = config.SOUNDSTAGE_FEATURE_BYTES;
        return {
          feature,
          recipe,
          path,
          model,
          extraction: createExtraction({ recipe, model, path, maxBytes, signal }),
        };
      });
      const shapes = new Map<KnownFeature, number[]>();
      try {
        const byView = new Map(wanted.map(({ recipe, extraction }) => [recipe.name, extraction]));
        const views = wanted.map(({ recipe }) => ({ name: recipe.name, ...recipe.view }));
        for await (const { view, timeS, data } of decodeFrames(clip, { views, info, signal })) {
          await byView.get(view)?.add(data, timeS);
          progress('extract', info.durationS > 0 ? Math.min(0.99, timeS / info.durationS) : 0);
        }
        for (const { feature, extraction } of wanted) shapes.set(feature, await extraction.finish());
      } catch (error) {
        await Promise.all(wanted.map(({ extraction }) => extraction.abandon()));
        throw error;
      }
      progress('extract', 1);

      progress('store', 0);
      const files: FeatureFile[] = [];
      for (const { feature, recipe, path, model } of wanted) {
        const key = `${outputPrefix}/${recipe.name}.npy`;
        files.push({
          feature,
          array: await storeFile(store, path, key, 'application/x-npy', signal),
          shape: shapes.get(feature) ?? [],
          model: modelId(model),
          rateHz: 0,
        });
        progress('store', files.length / wanted.length);
      }
      return { files };
    },
  };
}
