import { SoundstageError } from '@soundstage/core/errors';
import type { SubscriptionSpec } from './clients.js';
import { isNotFound, type PubSubConnection } from './connection.js';
import type { Names } from './names.js';
import { GrpcCode, grpcCode } from './pubsub-errors.js';

export interface SubscriptionRules {
  /** Leases that end without an answer until Pub/Sub itself makes a message a dead letter: 5 to 100. */
  maxDeliveries: number;
}

/** What was done to one topic or subscription. */
export interface QueueChange {
  /** Full name. */
  name: string;
  did: 'made' | 'mended' | 'nothing';
  /** What was mended. */
  what?: string[];
}

/** How long a message that was given out stays out of sight before its lease has been set, seconds; the least there is. */
const FIRST_LEASE_S = 10;
/** A message whose lease ended or that was put back comes again after so long, then twice as long, up to the longest. */
const RETRY_POLICY = { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 60 } };
/** The longest that Pub/Sub keeps what nobody acknowledges; older versions of it kept 7 days at most. */
const RETENTION_DAYS = [31, 7] as const;

/** What the subscriptions must be like. Neither may expire because nobody used it for a month. */
function wanted(names: Names, { maxDeliveries }: SubscriptionRules): { main: Wanted; dead: Wanted } {
  return {
    main: {
      name: names.mainSubscription,
      topic: names.mainTopic,
      ackDeadlineSeconds: FIRST_LEASE_S,
      expirationPolicy: {},
      retryPolicy: RETRY_POLICY,
      deadLetterPolicy: { deadLetterTopic: names.deadTopic, maxDeliveryAttempts: maxDeliveries },
    },
    dead: { name: names.deadSubscription, topic: names.deadTopic, ackDeadlineSeconds: 60, expirationPolicy: {} },
  };
}
type Wanted = SubscriptionSpec & { name: string; topic: string };

/**
 * Makes sure that a topic can be used: looks whether its subscription is there, and makes what is missing. A service
 * that may not look (it has the roles of a publisher and subscriber alone) takes it for there.
 */
export async function ensureTopic(connection: PubSubConnection, names: Names, rules: SubscriptionRules): Promise<void> {
  try {
    const found = await getSubscription(connection, names.mainSubscription);
    if (found && found.topic === names.mainTopic) return;
  } catch (thrown) {
    if (grpcCode((thrown as Error).cause) === GrpcCode.PERMISSION_DENIED) return;
    throw thrown;
  }
  await initTopic(connection, names, rules);
}

/**
 * Makes a topic, its dead-letter topic and a subscription of each, where they are missing, and mends settings that
 * differ. Dead letters come first and the subscription before anybody publishes, so nothing gets lost on the way.
 *
 * @throws CONFLICT for a subscription whose topic was deleted: what waits in it must not be lost in silence
 */
export async function initTopic(
  connection: PubSubConnection,
  names: Names,
  rules: SubscriptionRules,
): Promise<QueueChange[]> {
  const { main, dead } = wanted(names, rules);
  return [
    await makeTopic(connection, names.deadTopic),
    await makeOrMend(connection, dead),
    await makeTopic(connection, names.mainTopic),
    await makeOrMend(connection, main),
  ];
}

async function getSubscription(connection: PubSubConnection, name: string): Promise<SubscriptionSpec | undefined> {
  try {
    const [found] = await connection.call(
      `look at the subscription ${name}`,
      (options) => connection.subscriber.getSubscription({ subscription: name }, options),
      {},
      isNotFound,
    );
    return found;
  } catch (thrown) {
    if (isNotFound(grpcCode(thrown))) return undefined;
    throw thrown;
  }
}

/** Runs a call that makes something; false when it was there. */
async function make(connection: PubSubConnection, what: string, invoke: Parameters<PubSubConnection['call']>[1]) {
  try {
    await connection.call(what, invoke, {}, (code) => code === GrpcCode.ALREADY_EXISTS || isTooLong(code));
    return true;
  } catch (thrown) {
    if (grpcCode(thrown) === GrpcCode.ALREADY_EXISTS) return false;
    throw thrown;
  }
}
const isTooLong = (code: number | undefined) => code === GrpcCode.INVALID_ARGUMENT;

async function makeTopic(connection: PubSubConnection, name: string): Promise<QueueChange> {
  const made = await make(connection, `make the topic ${name}`, (options) =>
    connection.publisher.createTopic({ name }, options),
  );
  return { name, did: made ? 'made' : 'nothing' };
}

async function makeOrMend(connection: PubSubConnection, spec: Wanted): Promise<QueueChange> {
  const { name } = spec;
  const found = await getSubscription(connection, name);
  if (!found) {
    for (const days of RETENTION_DAYS) {
      const full = { ...spec, messageRetentionDuration: { seconds: days * 86_400 } };
      try {
        const made = await make(connection, `make the subscription ${name}`, (options) =>
          connection.subscriber.createSubscription(full, options),
        );
        return { name, did: made ? 'made' : 'nothing' };
      } catch (thrown) {
        if (!isTooLong(grpcCode(thrown)) || days === RETENTION_DAYS.at(-1)) throw SoundstageError.from(thrown);
      }
    }
  }
  if (found!.topic !== spec.topic) {
    throw new SoundstageError(
      'CONFLICT',
      `The subscription ${name} belongs to ${found!.topic === '_deleted-topic_' ? 'a topic that was deleted' : found!.topic}; messages may still wait in it. Delete it (gcloud pubsub subscriptions delete ${name}) and run "soundstage queue init" again.`,
      { retryable: false },
    );
  }
  const differs = differences(found!, spec);
  if (differs.length === 0) return { name, did: 'nothing' };
  await connection.call(`mend the subscription ${name}`, (options) =>
    connection.subscriber.updateSubscription({ subscription: spec, updateMask: { paths: differs } }, options),
  );
  return { name, did: 'mended', what: differs };
}

/** The settings that differ, by the names that an update mask has. */
function differences(found: SubscriptionSpec, spec: Wanted): string[] {
  const differs: string[] = [];
  if (found.ackDeadlineSeconds !== spec.ackDeadlineSeconds) differs.push('ack_deadline_seconds');
  if (Number(found.expirationPolicy?.ttl?.seconds ?? 0) !== 0) differs.push('expiration_policy');
  const backoff = ({ retryPolicy }: SubscriptionSpec) =>
    [retryPolicy?.minimumBackoff, retryPolicy?.maximumBackoff].map((time) => Number(time?.seconds ?? -1)).join();
  if (backoff(found) !== backoff(spec)) differs.push('retry_policy');
  const dying = ({ deadLetterPolicy }: SubscriptionSpec) =>
    `${deadLetterPolicy?.deadLetterTopic ?? ''} ${deadLetterPolicy?.maxDeliveryAttempts ?? 0}`;
  if (dying(found) !== dying(spec)) differs.push('dead_letter_policy');
  return differs;
}
