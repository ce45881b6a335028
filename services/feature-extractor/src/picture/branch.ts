import type { FrameView, VideoInfo } from '@soundstage/media';
import type { FeatureArrays } from '../arrays.js';
import type { FeatureModels } from '../feature-models.js';
import type { Batches } from './batches.js';

/** How a model looks at the picture. */
export type View = Pick<FrameView, 'width' | 'height' | 'pixelFormat' | 'fit'>;

/** One use of the frames: which view of them, and what becomes of them. */
export interface Branch extends Batches {
  view: View;
}

export interface BranchContext {
  models: FeatureModels;
  arrays: FeatureArrays;
  video: VideoInfo;
  signal: AbortSignal;
}
