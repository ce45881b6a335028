/**
 * Work that waits. Delivery is at least once: a message stays until it is acknowledged, and comes again when its lease
 * ends first. A topic is made by its first use; its name is `[A-Za-z][A-Za-z0-9._~+%-]{2,254}`. Adapters: SQLite
 * (adapters-local), Google Pub/Sub (adapters-gcp). Contract: `queueContract` in `@soundstage/core/contract-tests`.
 */
export interface Queue {
  /**
   * Stores messages durably; when the promise resolves they survive a crash. One call is one commit, so many
   * messages in one call are far cheaper than many calls.
   *
   * @returns the ids, in order
   * @throws BAD_INPUT for a message that is too large; EXHAUSTED when the disk is full; UNAVAILABLE once closed
   */
  publish(topic: string, messages: readonly OutgoingMessage[]): Promise<string[]>;

  /**
   * Leases up to `max` messages, waiting up to `waitMs` for the first. Empty when none came. Oldest first; messages
   * that were put back with a delay come when the delay is over.
   *
   * @throws CANCELLED when `signal` is aborted before anything was leased
   */
  pull(topic: string, options: PullOptions): Promise<Delivery[]>;

  /** What waits, for metrics and autoscaling. */
  stats(topic: string): Promise<QueueStats>;

  /**
   * Dead letters of a topic, oldest first, at most `limit` (default 1,000). `replay` puts those that it returns back
   * into the topic, behind what waits there, with attempts at zero; they may get new ids.
   */
  deadLetters(topic: string, options?: { replay?: boolean; limit?: number }): Promise<DeadLetter[]>;

  /**
   * Waits for calls in flight and lets go of all resources. A pull that is waiting ends empty; leases that are still
   * held end by themselves.
   */
  close(): Promise<void>;
}

export interface OutgoingMessage {
  /** JSON text, at most 1 MiB: references, never media. */
  body: string;
  /**
   * At most 98 small strings beside the body, `traceparent` for example: names of 256 bytes that don't start with
   * `soundstage-` or `goog`, values of 1,024.
   */
  attributes?: Record<string, string>;
  /** Not delivered before so many milliseconds have passed. Default 0. */
  delayMs?: number;
}

export interface PullOptions {
  /** 1 to 1,000. */
  max: number;
  /** How long the messages belong to the puller unless it extends. */
  leaseMs: number;
  /** How long to wait for a message. Default 0. */
  waitMs?: number;
  signal?: AbortSignal;
}

export interface Delivery {
  readonly id: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Failed attempts before this one, plus one. Disruptions (a killed process, a drain) don't count. */
  readonly attempt: number;
  /** Leases of it that ended without an answer, as far as the queue knows: maybe it kills who works on it. */
  readonly lapses: number;
  readonly publishedAt: Date;
  /**
   * Done: the message is gone for good. False when the lease had ended and somebody else may have it; this holds for
   * `nack` and `deadLetter` too.
   */
  ack(): Promise<boolean>;
  /**
   * Puts it back. `failed` spends an attempt; when all are spent the message becomes a dead letter. Without `failed`
   * it is a disruption (drain, cancellation of the worker) and spends nothing.
   */
  nack(options: { failed?: { reason: string }; delayMs?: number }): Promise<boolean>;
  /** Sets the lease to end `leaseMs` from now. False when it had ended. */
  extend(leaseMs: number): Promise<boolean>;
  /** Gives up at once (bad input): to the dead letters, with the reason. */
  deadLetter(reason: string): Promise<boolean>;
}

export interface QueueStats {
  /** Messages that could be pulled now. */
  ready: number;
  /** Waiting for their delay to end. */
  delayed: number;
  /** Leased now. */
  leased: number;
  dead: number;
  /** Age of the oldest message that could be pulled, seconds; 0 when there is none. */
  oldestReadyAgeS: number;
}

export interface DeadLetter {
  id: string;
  body: string;
  attributes: Record<string, string>;
  attempts: number;
  reason: string;
  diedAt: Date;
}
