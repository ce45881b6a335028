export { demoClip } from './demo-clip.js';
export {
  openFoley,
  type Engine,
  type Foley,
  type FoleyMade,
  type FoleyRequest,
  type HeldFoley,
  type OpenFoleyOptions,
} from './jobs/foley/open-foley.js';
export type { FoleyCandidate, FoleyOptions, FoleyOutcome } from './jobs/foley/foley.js';
export {
  openSync,
  type HeldSync,
  type MeterOf,
  type OpenSyncOptions,
  type Sync,
  type SyncMade,
  type SyncRequest,
} from './jobs/sync/open-sync.js';
export { examine } from './jobs/sync/examine.js';
export { syncPage } from './jobs/sync/sync-page.js';
export type { SyncOptions, SyncOutcome, SyncStep } from './jobs/sync/sync.js';
export type { ModelLog, ModelNews } from './models/model-shelf.js';
export { createInference, createInferenceWith } from './service.js';
