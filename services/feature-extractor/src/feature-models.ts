import { sha256, SoundstageError } from '@soundstage/core';
import { modelId, openOnUse, type CardTensor, type ModelCard, type ModelOnUse } from '@soundstage/models';
import type { FeatureExtractorConfig } from './config.js';
import { MODEL_NAMES, RECIPES, type KnownFeature, type ModelName } from './features.js';

/** The models of all features, each loaded when it is first run, and kept. */
export interface FeatureModels {
  /** @throws UNAVAILABLE where the model is not there */
  of(name: ModelName): ModelOnUse;
  /** Name, version and hash of the models that a feature comes from. @throws UNAVAILABLE where one is not there */
  idOf(feature: KnownFeature): string;
  /** Shape of a feature's rows. @throws UNAVAILABLE where a model is not there, or too old to give the feature */
  rowShapeOf(feature: KnownFeature): number[];
  /** Changes with the models that these features come from, and with no others. @throws UNAVAILABLE as above */
  versionOf(features: readonly KnownFeature[]): string;
  close(): Promise<void>;
}

/** Reads the cards of the models that are there. @throws BAD_INPUT for a card that can't be used */
export async function readFeatureModels(config: FeatureExtractorConfig): Promise<FeatureModels> {
  const folder = config.SOUNDSTAGE_MODELS_DIR;
  const models = new Map<ModelName, ModelOnUse>();
  for (const name of MODEL_NAMES) {
    const model = await openOnUse({
      folder,
      name,
      threads: config.SOUNDSTAGE_MODEL_THREADS,
      executionProvider: config.SOUNDSTAGE_EXECUTION_PROVIDER,
    }).catch((error: unknown) => {
      if (SoundstageError.from(error).reason === 'NOT_FOUND') return undefined;
      throw error;
    });
    if (model) models.set(name, model);
  }

  const of = (name: ModelName) => {
    const model = models.get(name);
    if (model) return model;
    throw missing(`The model ${name} is not there: put it into ${folder}/${name} and start the service again.`);
  };
  const idOf = (feature: KnownFeature) => RECIPES[feature].models.map((name) => modelId(of(name))).join(' + ');
  const rowShapeOf = (feature: KnownFeature) => {
    const { models: names, output: name, rowShape } = RECIPES[feature];
    const { card } = names.map(of).at(-1)!;
    if (rowShape) return [...rowShape];
    const output = card.outputs.find((each) => each.name === name);
    if (output) return sizesOf(card, output).slice(card.inputs[0]?.name === 'sound' ? 2 : 1);
    throw missing(
      `The model ${card.name}/${card.version} has no output ${name}, which FEATURE_${RECIPES[feature].name.toUpperCase()} ` +
        `comes from: put a newer version into ${folder}/${card.name}.`,
    );
  };
  return {
    of,
    idOf,
    rowShapeOf,
    versionOf(features) {
      const ids = features.map((feature) => `${rowShapeOf(feature).join('×')} ${idOf(feature)}`);
      return sha256([...ids].sort().join('\n')).slice(0, 16);
    },
    async close() {
      await Promise.all([...models.values()].map((model) => model.close()));
    },
  };
}

/** Sizes of an input or output; where the card leaves one open, that of its warm-up. Open numbers of rows become 0. */
export function sizesOf(card: ModelCard, { shape }: CardTensor): number[] {
  const warmUp = (card['warm_up'] ?? {}) as Record<string, number>;
  return shape.map((side) => (typeof side === 'number' ? side : (warmUp[side] ?? 0)));
}

/** Not retried: a model doesn't come by itself. */
function missing(message: string): SoundstageError {
  return new SoundstageError('UNAVAILABLE', message, { retryable: false });
}
