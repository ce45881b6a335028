import type { ReceivedMessage } from './clients.js';

/*
 * Pub/Sub keeps no count of failed attempts, no delay and no reason. They travel with the message, in attributes of
 * their own: a message that is put back is published anew with them, and the one before is acknowledged.
 */
const STATE = 'soundstage-state';
const REASON = 'soundstage-reason';
const REASON_MAX_BYTES = 1024;
/** What Pub/Sub adds to a message that it forwards to the dead-letter topic by itself. */
const FORWARDED_COUNT = 'CloudPubSubDeadLetterSourceDeliveryCount';

export interface MessageState {
  /** Failed attempts so far. */
  failures: number;
  /** Not to be handed out before, milliseconds since 1970. */
  notBeforeMs?: number;
  /** The id that the first publishing gave, and its time: they stay through all copies. */
  id?: string;
  publishedMs?: number;
  diedMs?: number;
  reason?: string;
}

/** A message as it was received. */
export interface Received {
  ackId: string;
  id: string;
  body: string;
  /** The publisher's own. */
  attributes: Record<string, string>;
  state: MessageState;
  publishedMs: number;
  /** How often Pub/Sub has delivered this copy, this time included; 0 where it doesn't count. */
  deliveries: number;
  /** When this copy was published. */
  copiedMs: number;
}

/** A message as Pub/Sub takes it. */
export interface Sent {
  data: Buffer;
  attributes: Record<string, string>;
}

export function seal(body: string, attributes: Readonly<Record<string, string>>, state: MessageState): Sent {
  const { reason, ...rest } = state;
  const fresh = state.failures === 0 && Object.keys(state).length === 1;
  return {
    data: Buffer.from(body),
    attributes: {
      ...attributes,
      // Pub/Sub refuses a message with neither data nor attributes.
      ...(fresh && body !== '' ? {} : { [STATE]: JSON.stringify(rest) }),
      ...(reason === undefined ? {} : { [REASON]: shorten(reason, REASON_MAX_BYTES) }),
    },
  };
}

export function open({ ackId, message, deliveryAttempt }: ReceivedMessage): Received {
  const all = { ...(message?.attributes ?? {}) } as Record<string, string>;
  const state = readState(all[STATE]);
  if (all[REASON] !== undefined) state.reason = all[REASON];
  const forwarded = all[FORWARDED_COUNT];
  if (forwarded !== undefined) {
    state.reason = `It was delivered ${forwarded} times, and each time its lease ended without an answer: it may kill the process that works on it.`;
  }
  const own = Object.entries(all).filter(([name]) => !/^(soundstage-|CloudPubSubDeadLetterSource)/.test(name));
  const copiedMs = timeMs(message?.publishTime);
  return {
    ackId: ackId ?? '',
    id: state.id ?? message?.messageId ?? '',
    body: Buffer.from(message?.data ?? '').toString(),
    attributes: Object.fromEntries(own),
    state,
    publishedMs: state.publishedMs ?? copiedMs,
    deliveries: deliveryAttempt ?? 0,
    copiedMs,
  };
}

/** A state that others damaged counts as none: the message is delivered. */
function readState(json: string | undefined): MessageState {
  try {
    const state = JSON.parse(json ?? '{}') as MessageState;
    return { ...state, failures: Number.isInteger(state.failures) ? state.failures : 0 };
  } catch {
    return { failures: 0 };
  }
}

function timeMs(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000 + Math.floor((time?.nanos ?? 0) / 1e6);
}

/** The start of a text that has at most so many bytes, cut between characters. */
function shorten(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  return new TextDecoder('utf-8', { fatal: false }).decode(bytes.subarray(0, maxBytes)).replace(/\uFFFD$/, '');
}
