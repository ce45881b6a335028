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
export type { ModelLog, ModelNews } from './models/model-shelf.js';
export { createInference } from './service.js';
