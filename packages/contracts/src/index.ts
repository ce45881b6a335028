/**
 * The contracts of Soundstage: TypeScript generated from `proto/`. Nothing here is written by hand but this index.
 */
import { readFileSync } from 'node:fs';

export * from './gen/soundstage/v1/collection.js';
export * from './gen/soundstage/v1/collector_service.js';
export * from './gen/soundstage/v1/dataset.js';
export * from './gen/soundstage/v1/feature_extractor_service.js';
export * from './gen/soundstage/v1/features.js';
export * from './gen/soundstage/v1/foley.js';
export * from './gen/soundstage/v1/inference_service.js';
export * from './gen/soundstage/v1/job.js';
export * from './gen/soundstage/v1/job_service.js';
export * from './gen/soundstage/v1/object.js';
export * from './gen/soundstage/v1/preprocessing.js';
export * from './gen/soundstage/v1/preprocessor_service.js';
export * from './gen/soundstage/v1/split.js';
export * from './gen/soundstage/v1/splitter_service.js';
export * from './gen/soundstage/v1/sync.js';
export * from './gen/soundstage/v1/trainer_launcher_service.js';
export * from './gen/soundstage/v1/training.js';
export * from './gen/soundstage/v1/transfer_service.js';
/** google.rpc.Status and its details, Google's rich error model. */
export * as rpcStatus from './gen/google/rpc/status.js';
export * as rpcErrorDetails from './gen/google/rpc/error_details.js';
export { Any } from './gen/google/protobuf/any.js';

/** The serialised FileDescriptorSet of all contracts, for server reflection. */
export function readDescriptorSet(): Buffer {
  return readFileSync(new URL('../src/gen/soundstage.binpb', import.meta.url));
}
