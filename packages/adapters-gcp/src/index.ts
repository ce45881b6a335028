export { createPubSubQueue, type PubSubQueueOptions } from './queue/pubsub-queue.js';
export { initQueues, replayDeadLetters } from './queue/manage-queues.js';
export type { QueueChange } from './queue/subscriptions.js';
export { createGcsObjectStore, type GcsObjectStoreOptions } from './objects/gcs-object-store.js';
export { bucketCors, type CorsRule } from './objects/bucket-cors.js';
export { createSignedUrls, type SignedUrlOptions } from './objects/signed-urls.js';
export { openBucket, type Bucket, type BucketObject, type BucketOptions, type PutObject } from './objects/bucket.js';
