import type { FeatureArrays } from './arrays.js';
import type { FeatureModels } from './feature-models.js';

/** What a feature extraction works with. */
export interface Extraction {
  models: FeatureModels;
  arrays: FeatureArrays;
  signal: AbortSignal;
  /** How much of the clip was looked at, 0 to 1. */
  onProgress(share: number): void;
}
