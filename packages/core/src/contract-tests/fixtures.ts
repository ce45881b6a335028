import type { ObjectStore } from '../ports/object-store.js';
import type { Queue } from '../ports/queue.js';

/** A queue to be tested, and what is peculiar to its adapter. */
export interface QueueFixture {
  queue: Queue;
  /** A second client of the same queue, as another process would have. */
  other: Queue;
  /** How many failed attempts the queue was made to allow; at least 2. */
  maxAttempts: number;
  /** A lease that the adapter keeps to: no longer than `pass` can wait for. */
  leaseMs: number;
  /** Lets time pass: waits, or moves the clock that the adapter was given. */
  pass(ms: number): Promise<void>;
  /** Whether a clock is moved, so that time costs nothing: the model test needs it. */
  movesClock: boolean;
  /** Whether messages come in the order of publishing. */
  ordered: boolean;
  /** Whether `ack` tells that the lease had ended. */
  tellsStale: boolean;
  /** Whether `stats` counts exactly and at once. */
  exactStats: boolean;
  /** How long an empty pull may have to wait until it can be sure that nothing comes. Default 0. */
  settleMs?: number;
  close(): Promise<void>;
}

/** An object store to be tested. */
export interface ObjectStoreFixture {
  store: ObjectStore;
  /** A second client of the same store, as another process would have. */
  other: ObjectStore;
  /** Whether a call costs little enough for some hundreds of them. */
  fast: boolean;
  close(): Promise<void>;
}
