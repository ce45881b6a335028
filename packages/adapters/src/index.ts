export { readAdapterChoice, type AdapterChoice } from './config.js';
export { createAdapters, createQueue } from './create-adapters.js';
export { prepareQueues, type Prepared } from './prepare-queues.js';
export {
  isBucketAddress,
  openBucket,
  readBucketAddress,
  type Bucket,
  type BucketObject,
  type BucketPlace,
} from './open-bucket.js';
