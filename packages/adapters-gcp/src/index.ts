export { createPubSubQueue, type PubSubQueueOptions } from './queue/pubsub-queue.js';
export { initQueues, replayDeadLetters } from './queue/manage-queues.js';
export type { QueueChange } from './queue/subscriptions.js';
