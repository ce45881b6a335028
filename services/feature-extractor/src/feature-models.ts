import { Feature } from '@soundstage/contracts';
import { sha256 } from '@soundstage/core';
import { openModel, type OpenModel } from '@soundstage/models';
import type { FeatureExtractorConfig } from './config.js';

/** The features that can be computed. */
export type KnownFeature = Feature.MOTION | Feature.FLOW | Feature.RGB;

/** How a feature comes from frames: which model, on which view of the picture, and what its output is called. */
export interface FeatureRecipe {
  /** Also the name of its file. */
  name: string;
  model: string;
  output: string;
  view: { width: number; height: number; pixelFormat: 'gray' | 'rgb24' };
  /** Frames of one run. */
  batch: number;
  /** Whether a row describes a pair of frames: then batches overlap by one frame and there is one row less. */
  pairs: boolean;
  /** Whether the model takes the frames' times beside them, as `times_s`. */
  timed: boolean;
}

export const RECIPES: Readonly<Record<KnownFeature, FeatureRecipe>> = {
  [Feature.MOTION]: {
    name: 'motion',
    model: 'motion',
    output: 'features',
    view: { width: 160, height: 96, pixelFormat: 'gray' },
    batch: 33,
    pairs: true,
    timed: true,
  },
  [Feature.FLOW]: {
    name: 'flow',
    model: 'flow',
    output: 'flow',
    view: { width: 160, height: 96, pixelFormat: 'gray' },
    batch: 33,
    pairs: true,
    timed: false,
  },
  [Feature.RGB]: {
    name: 'rgb',
    model: 'classifier',
    output: 'embedding',
    view: { width: 224, height: 224, pixelFormat: 'rgb24' },
    batch: 8,
    pairs: false,
    timed: false,
  },
};

const KNOWN = [Feature.MOTION, Feature.FLOW, Feature.RGB] as const;

export interface FeatureModels {
  of(feature: KnownFeature): OpenModel;
  /** Changes with every model: `motion/1@sha256:…` and so on, hashed. */
  version: string;
  close(): Promise<void>;
}

/** Opens the models of all features. @throws what `openModel` throws; none stays open then */
export async function openFeatureModels(config: FeatureExtractorConfig): Promise<FeatureModels> {
  const models = new Map<KnownFeature, OpenModel>();
  const close = async () => {
    await Promise.all([...models.values()].map((model) => model.close()));
  };
  try {
    for (const feature of KNOWN) {
      const model = await openModel({
        folder: config.SOUNDSTAGE_MODELS_DIR,
        name: RECIPES[feature].model,
        threads: config.SOUNDSTAGE_MODEL_THREADS,
        executionProvider: config.SOUNDSTAGE_EXECUTION_PROVIDER,
      });
      models.set(feature, model);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const of = (feature: KnownFeature) => models.get(feature)!;
  return { of, version: sha256(KNOWN.map((feature) => modelId(of(feature))).join('\n')).slice(0, 16), close };
}

/** Name, version and hash of a model, as results state them. */
export function modelId({ card }: OpenModel): string {
  return `${card.name}/${card.version}@sha256:${card.sha256}`;
}
