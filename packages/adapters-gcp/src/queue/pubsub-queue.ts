import { badInput, SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import {
  checkMessage,
  checkMs,
  checkPull,
  type Delivery,
  type OutgoingMessage,
  type PullOptions,
  type Queue,
} from '@soundstage/core/ports';
import { connectPubSub, type PubSubConnection, type PubSubOptions } from './connection.js';
import { collectDeadLetters } from './dead-letters.js';
import { seal, type MessageState, type Received, type Sent } from './envelope.js';
import { LONGEST_DEADLINE_S, takeLease } from './lease.js';
import { undeliveredMessages } from './queue-stats.js';
import { openTopic, type Topic } from './topic.js';

export interface PubSubQueueOptions extends PubSubOptions {
  /** Failed attempts until a message becomes a dead letter. Default 5. */
  maxAttempts?: number;
  /** Leases that end without an answer until Pub/Sub itself makes a message a dead letter: 5 to 100. Default 20. */
  maxDeliveries?: number;
  /** The longest that one deadline is set for, seconds; longer leases are renewed. Default 600, Pub/Sub's limit. */
  longestDeadlineS?: number;
}

/**
 * The shortest wait for a message. Pub/Sub looks for messages on several machines and answers when it has found one;
 * who doesn't wait at all would never get one.
 */
const LEAST_WAIT_MS = 300;

/**
 * A queue on Google Pub/Sub. A topic has a subscription, and beside it a dead-letter topic with a subscription; all
 * are made by the first use where `initQueues` hasn't made them.
 *
 * Messages are taken one call at a time and never more than were asked for, so a slow worker holds nothing back that
 * another could do. What Pub/Sub doesn't know (failed attempts, delays, reasons) travels in attributes of the message,
 * which is published anew when it is put back.
 */
export function createPubSubQueue(options: PubSubQueueOptions = {}): Queue {
  const { maxAttempts = 5, maxDeliveries = 20, longestDeadlineS = LONGEST_DEADLINE_S } = options;
  let connecting: Promise<PubSubConnection> | undefined;
  const topics = new Map<string, Promise<Topic>>();
  const inFlight = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  async function useTopic(name: string): Promise<Topic> {
    connecting ??= connectPubSub(options).catch((thrown: unknown) => {
      connecting = undefined;
      throw thrown;
    });
    const connection = await connecting;
    let topic = topics.get(name);
    if (!topic) {
      topic = openTopic(connection, name, { maxDeliveries });
      topics.set(name, topic);
      topic.catch(() => topics.delete(name));
    }
    return topic;
  }

  /** Lets `close` wait for what is under way. */
  function track<T>(call: () => Promise<T>): Promise<T> {
    if (closing !== undefined) return Promise.reject(closed());
    const running = call().finally(() => inFlight.delete(running));
    inFlight.add(running);
    return running;
  }

  async function deliver(topic: Topic, received: Received, leaseMs: number): Promise<Delivery> {
    const { id, body, attributes, state, ackId, deliveries } = received;
    const attempt = state.failures + 1;
    const lease = await takeLease(leaseMs, (seconds) => topic.setDeadline([ackId], seconds), longestDeadlineS);
    /** Whether its end has begun, and whether it is over: until then the lease may be extended. */
    let settled = false;
    let ended = false;

    /**
     * Runs what ends the delivery, once, if it is still ours. Nothing is sent too late: Pub/Sub might take it, and who
     * is told that it was too late relies on the message's coming again.
     */
    const settle = (end: () => Promise<void>) =>
      track(async () => {
        if (settled || !lease.holds()) return false;
        settled = true;
        try {
          await end();
        } catch (thrown) {
          settled = false;
          throw thrown;
        }
        ended = true;
        lease.end();
        return true;
      });
    /** The copy is safe before the original goes: at worst there are two, and work is idempotent. */
    const replace = async (publish: (messages: Sent[]) => Promise<unknown>, next: MessageState) => {
      await publish([seal(body, attributes, { ...next, id, publishedMs: received.publishedMs })]);
      await topic.acknowledge([ackId]);
    };
    const bury = (reason: string) => replace(topic.publishDead, { failures: attempt, reason, diedMs: Date.now() });

    return {
      id,
      body,
      attributes,
      attempt,
      // Whatever was answered came again as a copy of its own.
      lapses: Math.max(0, deliveries - 1),
      publishedAt: new Date(received.publishedMs),
      ack: () => settle(() => topic.acknowledge([ackId])),
      nack: async ({ failed, delayMs = 0 }) => {
        checkMs(delayMs, 'delayMs');
        return settle(() => {
          if (failed && attempt >= maxAttempts) return bury(failed.reason);
          const failures = failed ? attempt : state.failures;
          return replace(topic.publish, {
            failures,
            ...(failed ? { reason: failed.reason } : {}),
            ...(delayMs > 0 ? { notBeforeMs: Date.now() + delayMs } : {}),
          });
        });
      },
      extend: async (forMs) => {
        checkMs(forMs, 'leaseMs');
        return track(async () => {
          if (ended || !lease.holds()) return false;
          await lease.extend(forMs);
          return true;
        });
      },
      deadLetter: (reason) => settle(() => bury(reason)),
    };
  }

  async function pull(topicName: string, { max, leaseMs, waitMs = 0, signal }: PullOptions): Promise<Delivery[]> {
    throwIfAborted(signal);
    const topic = await useTopic(topicName);
    const received = await topic.receiver.receive(max, Math.max(waitMs, LEAST_WAIT_MS), signal);
    return Promise.all(received.map((one) => deliver(topic, one, leaseMs)));
  }

  async function publish(topicName: string, messages: readonly OutgoingMessage[]): Promise<string[]> {
    const topic = await useTopic(topicName);
    const nowMs = Date.now();
    return topic.publish(
      messages.map(({ body, attributes = {}, delayMs = 0 }) =>
        seal(body, attributes, { failures: 0, ...(delayMs > 0 ? { notBeforeMs: nowMs + delayMs } : {}) }),
      ),
    );
  }

  return {
    async publish(topic, messages) {
      messages.forEach(checkMessage);
      return track(() => publish(topic, messages));
    },

    async pull(topic, pullOptions) {
      checkPull(pullOptions);
      return track(() => pull(topic, pullOptions));
    },

    stats: (topicName) =>
      track(async () => {
        const topic = await useTopic(topicName);
        return undeliveredMessages(topic);
      }),

    async deadLetters(topicName, { replay = false, limit = 1000 } = {}) {
      if (!Number.isInteger(limit) || limit < 1)
        throw badInput(`limit is ${limit}: ask for 1 or more dead letters.`, 'limit');
      return track(async () => collectDeadLetters(await useTopic(topicName), { replay, limit }));
    },

    close() {
      closing ??= (async () => {
        await Promise.resolve();
        const opened = await Promise.allSettled([...topics.values()]);
        // First those who wait: a pull in flight ends empty.
        await Promise.all(opened.map(async (one) => one.status === 'fulfilled' && (await one.value.receiver.close())));
        await Promise.allSettled([...inFlight]);
        const connection = await connecting?.catch(() => undefined);
        await connection?.close();
      })();
      return closing;
    },
  };
}

function closed(): SoundstageError {
  return new SoundstageError('UNAVAILABLE', 'The queue on Pub/Sub has been closed: open it again.');
}
