import type { DeadLetter } from '@soundstage/core/ports';
import { connectPubSub } from './connection.js';
import { namesOf } from './names.js';
import { createPubSubQueue, type PubSubQueueOptions } from './pubsub-queue.js';
import { initTopic, type QueueChange } from './subscriptions.js';

/**
 * Makes what topics need in Pub/Sub, and mends settings that differ; to run it again changes nothing. Needs
 * `roles/pubsub.editor`; services then get by with less.
 *
 * @throws BAD_INPUT for a name; CONFLICT for a subscription whose topic was deleted; UNAVAILABLE
 */
export async function initQueues(topics: readonly string[], options: PubSubQueueOptions = {}): Promise<QueueChange[]> {
  const connection = await connectPubSub(options);
  try {
    const names = topics.map((topic) => namesOf(topic, connection));
    const { maxDeliveries = 20 } = options;
    const changes: QueueChange[] = [];
    for (const one of names) changes.push(...(await initTopic(connection, one, { maxDeliveries })));
    return changes;
  } finally {
    await connection.close();
  }
}

/** Puts dead letters of a topic back into it, oldest first, with their attempts at zero. @returns those that it put back */
export async function replayDeadLetters(
  topic: string,
  options: PubSubQueueOptions & { limit?: number } = {},
): Promise<DeadLetter[]> {
  const { limit, ...queueOptions } = options;
  const queue = createPubSubQueue(queueOptions);
  try {
    return await queue.deadLetters(topic, { replay: true, ...(limit === undefined ? {} : { limit }) });
  } finally {
    await queue.close();
  }
}
