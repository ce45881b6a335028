import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError } from '@soundstage/core/errors';
import { isNotFound, type CallLimits, type CallOptions, type PubSubConnection } from './connection.js';
import { open, seal, type Received, type Sent } from './envelope.js';
import { LONGEST_DEADLINE_S } from './lease.js';
import { namesOf, type Names } from './names.js';
import { GrpcCode, grpcCode, isPassing, pubsubError } from './pubsub-errors.js';
import { createReceiver, type Receiver } from './receiver.js';
import { ensureTopic, type SubscriptionRules } from './subscriptions.js';

/** One topic with its subscription and its dead letters, ready for use. */
export interface Topic {
  readonly connection: PubSubConnection;
  readonly names: Names;
  readonly receiver: Receiver<Received>;
  /** @returns the ids that Pub/Sub gave, in order */
  publish(messages: Sent[]): Promise<string[]>;
  publishDead(messages: Sent[]): Promise<string[]>;
  acknowledge(ackIds: string[]): Promise<void>;
  setDeadline(ackIds: string[], seconds: number): Promise<void>;
  pullDead(max: number, tryMs: number): Promise<Received[]>;
  acknowledgeDead(ackIds: string[]): Promise<void>;
  releaseDead(ackIds: string[]): Promise<void>;
}

/** Limits of one publish request, https://cloud.google.com/pubsub/quotas#resource_limits: 1,000 messages, 10 MB. */
const PUBLISH_MAX_MESSAGES = 1000;
const PUBLISH_MAX_BYTES = 9_000_000;
/** Ack ids of a request: 512 KiB in all, and an id may have some 200 bytes. */
const ACK_MAX_IDS = 1000;
/** How long one call waits for a message; the next follows at once. */
const PULL_MS = 30_000;
/** A message that comes so little too early is held here rather than put aside: deadlines are whole seconds. */
const HELD_MS = 1000;

/** @throws BAD_INPUT for the name; UNAVAILABLE when Pub/Sub can't be reached or refuses */
export async function openTopic(connection: PubSubConnection, name: string, rules: SubscriptionRules): Promise<Topic> {
  const names = namesOf(name, connection);
  const { publisher, subscriber } = connection;
  let ensuring: Promise<void> | undefined;
  const ensure = () => (ensuring ??= ensureTopic(connection, names, rules).finally(() => (ensuring = undefined)));
  await ensure();

  /** Calls; what has vanished (an emulator that was started anew, a topic that was deleted) is made again once. */
  async function call<T>(what: string, invoke: (options: CallOptions) => Promise<T>, limits?: CallLimits): Promise<T> {
    try {
      return await connection.call(what, invoke, limits, isNotFound);
    } catch (thrown) {
      if (!isNotFound(grpcCode(thrown))) throw thrown;
      await ensure();
      return connection.call(what, invoke, limits);
    }
  }

  const publishTo = (topic: string) => async (messages: Sent[]) => {
    const ids: string[] = [];
    for (const batch of batches(messages)) {
      const [response] = await call(`publish to ${topic}`, (options) =>
        publisher.publish({ topic, messages: batch }, options),
      );
      ids.push(...(response.messageIds ?? []));
    }
    return ids;
  };

  /** An answer for messages that are gone with their subscription is no error: there is nothing left to answer for. */
  const answer = (what: string, ackIds: string[], send: (ackIds: string[], options: CallOptions) => Promise<unknown>) =>
    Promise.all(
      Array.from({ length: Math.ceil(ackIds.length / ACK_MAX_IDS) }, async (_, n) => {
        const part = ackIds.slice(n * ACK_MAX_IDS, (n + 1) * ACK_MAX_IDS);
        await connection
          .call(`${what} messages of ${names.topic}`, (options) => send(part, options), {}, isGone)
          .catch((thrown: unknown) => {
            if (!isGone(grpcCode(thrown))) throw thrown;
          });
      }),
    ).then(() => undefined);
  const acknowledge = (subscription: string) => (ackIds: string[]) =>
    answer('acknowledge', ackIds, (part, options) => subscriber.acknowledge({ subscription, ackIds: part }, options));
  const setDeadline = (subscription: string) => (ackIds: string[], ackDeadlineSeconds: number) =>
    answer('keep', ackIds, (part, options) =>
      subscriber.modifyAckDeadline({ subscription, ackIds: part, ackDeadlineSeconds }, options),
    );

  async function pullFrom(subscription: string, max: number, tryMs: number, signal?: AbortSignal): Promise<Received[]> {
    try {
      const [response] = await connection.call(
        `pull from ${subscription}`,
        (options) => subscriber.pull({ subscription, maxMessages: max }, { ...options, timeout: tryMs }),
        { tryMs, limitMs: 0, signal },
        (code) => code !== undefined,
      );
      return (response.receivedMessages ?? []).map(open);
    } catch (thrown) {
      const code = grpcCode(thrown);
      if (code === GrpcCode.DEADLINE_EXCEEDED) return [];
      if (isNotFound(code)) {
        await ensure();
        return [];
      }
      // The backend is away: whoever waits goes on waiting.
      if (isPassing(thrown) && code !== GrpcCode.RESOURCE_EXHAUSTED) {
        await sleep(500, undefined, signal ? { signal } : {}).catch(() => undefined);
        return [];
      }
      throw thrown instanceof SoundstageError ? thrown : pubsubError(thrown, `pull from ${subscription}`);
    }
  }

  const keepFor = setDeadline(names.mainSubscription);
  const publish = publishTo(names.mainTopic);
  const acknowledgeMain = acknowledge(names.mainSubscription);
  const receiver = createReceiver<Received>(
    async (max, signal) => {
      const received = await pullFrom(names.mainSubscription, max, PULL_MS, signal);
      const nowMs = Date.now();
      const early = received.filter(({ state }) => (state.notBeforeMs ?? 0) > nowMs);
      await Promise.all(early.map((one) => setAside(one, one.state.notBeforeMs! - nowMs)));
      return received.filter((one) => !early.includes(one));
    },
    (messages) =>
      keepFor(
        messages.map(({ ackId }) => ackId),
        0,
      ),
  );

  /**
   * Pub/Sub has no delays: a message that came before its time is taken for as long as it has to wait, and comes again
   * when that lease ends. Each time counts as a delivery, so one that has come often goes on as a new message.
   */
  async function setAside(one: Received, waitMs: number): Promise<void> {
    if (waitMs <= HELD_MS) {
      setTimeout(() => receiver.offer([one]), waitMs);
    } else if (one.deliveries > rules.maxDeliveries / 2) {
      const state = { ...one.state, id: one.id, publishedMs: one.publishedMs };
      await publish([seal(one.body, one.attributes, state)]);
      await acknowledgeMain([one.ackId]);
    } else {
      await keepFor([one.ackId], Math.min(Math.ceil(waitMs / 1000), LONGEST_DEADLINE_S));
    }
  }

  return {
    connection,
    names,
    receiver,
    publish,
    publishDead: publishTo(names.deadTopic),
    acknowledge: acknowledgeMain,
    setDeadline: keepFor,
    pullDead: (max, tryMs) => pullFrom(names.deadSubscription, max, tryMs),
    acknowledgeDead: acknowledge(names.deadSubscription),
    releaseDead: (ackIds) => setDeadline(names.deadSubscription)(ackIds, 0),
  };
}

const isGone = (code: number | undefined) => code === GrpcCode.NOT_FOUND || code === GrpcCode.INVALID_ARGUMENT;

/** Cuts messages into requests that Pub/Sub takes. */
function* batches(messages: Sent[]): Generator<Sent[]> {
  let batch: Sent[] = [];
  let sizeBytes = 0;
  for (const message of messages) {
    const bytes = message.data.length + Buffer.byteLength(JSON.stringify(message.attributes)) + 64;
    if (batch.length === PUBLISH_MAX_MESSAGES || (batch.length > 0 && sizeBytes + bytes > PUBLISH_MAX_BYTES)) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(message);
    sizeBytes += bytes;
  }
  if (batch.length > 0) yield batch;
}
