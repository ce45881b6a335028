export { createPubSubQueue, type PubSubQueueOptions } from './queue/pubsub-queue.js';
export { initQueues, replayDeadLetters } from './queue/manage-queues.js';
export type { QueueChange } from './queue/subscriptions.js';
export { createGcsObjectStore, type GcsObjectStoreOptions } from './objects/gcs-object-store.js';
export { createSignedUrls, type SignedRequest, type SignedUpload, type SignedUrls } from './objects/signed-urls.js';
