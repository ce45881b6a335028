import { Feature } from '@soundstage/contracts';
import { isSoundFeature } from '@soundstage/core';

/** Models that features come from, each by the name of its folder. */
export const MODEL_NAMES = [
  'motion',
  'flow',
  'classifier',
  'flow_image',
  'face',
  'lips',
  'lip_flow',
  'mel_22k',
  'mel_16k',
  'stft_11k',
  'mfcc',
  'zero_crossings',
  'speech',
] as const;
export type ModelName = (typeof MODEL_NAMES)[number];

export type KnownFeature = Exclude<Feature, Feature.UNSPECIFIED | Feature.UNRECOGNIZED>;

/** What a feature comes from. */
export interface FeatureRecipe {
  /** Also the name of its file. */
  name: string;
  /** In the order in which they run; the last one's output is the feature. */
  models: readonly ModelName[];
  /** Of the last model; absent where a row is put together of several outputs. */
  output?: string;
  /** Shape of a row where it is not the output's. */
  rowShape?: readonly number[];
  /** Whether a row describes a pair of frames: then there is one row less than frames. */
  pairs?: boolean;
}

/** Score, two corners and six points of a face. */
export const FACE_NUMBERS = 17;
/** Points of the face mesh, and one more that repeats the score. */
export const LIP_POINTS = 469;

export const RECIPES: Readonly<Record<KnownFeature, FeatureRecipe>> = {
  [Feature.MOTION]: { name: 'motion', models: ['motion'], output: 'features', pairs: true },
  [Feature.FLOW]: { name: 'flow', models: ['flow'], output: 'flow', pairs: true },
  [Feature.RGB]: { name: 'rgb', models: ['classifier'], output: 'embedding' },
  [Feature.RGB_MAP]: { name: 'rgb_map', models: ['classifier'], output: 'map' },
  [Feature.FLOW_IMAGE]: { name: 'flow_image', models: ['flow', 'flow_image'], output: 'image', pairs: true },
  [Feature.FLOW_RGB]: { name: 'flow_rgb', models: ['flow', 'flow_image', 'classifier'], output: 'embedding' },
  [Feature.LIP_FLOW]: { name: 'lip_flow', models: ['face', 'lip_flow'], output: 'flow', pairs: true },
  [Feature.FACE]: { name: 'face', models: ['face'], rowShape: [FACE_NUMBERS] },
  [Feature.LIPS]: { name: 'lips', models: ['face', 'lips'], rowShape: [LIP_POINTS, 3] },
  [Feature.MEL_22K]: { name: 'mel_22k', models: ['mel_22k'], output: 'mel' },
  [Feature.MEL_16K]: { name: 'mel_16k', models: ['mel_16k'], output: 'mel' },
  [Feature.STFT_11K]: { name: 'stft_11k', models: ['stft_11k'], output: 'log_frequency' },
  [Feature.MFCC]: { name: 'mfcc', models: ['mfcc'], output: 'coefficients' },
  [Feature.ZERO_CROSSINGS]: { name: 'zero_crossings', models: ['zero_crossings'], output: 'rate' },
  [Feature.SPEECH]: { name: 'speech', models: ['speech'], output: 'probability' },
};

/** The asked features, those of the picture and those of the sound. */
export function bySource(features: readonly KnownFeature[]): { picture: KnownFeature[]; sound: KnownFeature[] } {
  return {
    picture: features.filter((feature) => !isSoundFeature(feature)),
    sound: features.filter((feature) => isSoundFeature(feature)),
  };
}
