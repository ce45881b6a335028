import { setMaxListeners } from 'node:events';
import { SoundstageError } from '@soundstage/core/errors';

/** Messages that one call brought. */
export type Fetch<T> = (max: number, signal: AbortSignal) => Promise<T[]>;

export interface Receiver<T> {
  /** Up to `max` messages, waiting up to `waitMs` for the first; empty when none came or the receiver is closed. */
  receive(max: number, waitMs: number, signal?: AbortSignal): Promise<T[]>;
  /** Gives a message that was held back for a moment to whoever waits. */
  offer(messages: T[]): void;
  close(): Promise<void>;
}

interface Waiter<T> {
  max: number;
  take(messages: T[]): void;
  fail(error: unknown): void;
}

/** A call that ends at once with nothing mustn't be made a thousand times a second. */
const LEAST_CALL_MS = 100;

/**
 * Lets pullers come and go while the calls that fetch for them go on. A call that is given up may already have been
 * given a message, which would then be out of sight until its lease ends; so a puller that goes leaves its call to
 * the next one, and what comes when nobody waits is put back.
 *
 * At no time are there more calls than pullers that wait or have just gone, and none asks for more than its puller
 * did: nothing is leased that nobody wants.
 */
export function createReceiver<T>(fetch: Fetch<T>, putBack: (messages: T[]) => Promise<void>): Receiver<T> {
  const waiters: Waiter<T>[] = [];
  const calls = new Set<Promise<void>>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);

  function hand(messages: T[]): void {
    while (messages.length > 0 && waiters.length > 0) {
      const waiter = waiters.shift()!;
      waiter.take(messages.splice(0, waiter.max));
    }
    if (messages.length === 0) return;
    const returning = putBack(messages)
      .catch(() => undefined) // they come again when their lease ends
      .finally(() => calls.delete(returning));
    calls.add(returning);
  }

  let fetching = 0;
  function balance(): void {
    while (!closing.signal.aborted && fetching < waiters.length) {
      const { max } = waiters[fetching]!;
      fetching++;
      const call = fetchOnce(max).finally(() => {
        fetching--;
        calls.delete(call);
        balance();
      });
      calls.add(call);
    }
  }

  async function fetchOnce(max: number): Promise<void> {
    const startedMs = performance.now();
    try {
      const messages = await fetch(max, closing.signal);
      if (messages.length > 0) return hand(messages);
    } catch (thrown) {
      if (!closing.signal.aborted) waiters.shift()?.fail(thrown);
    }
    const restMs = LEAST_CALL_MS - (performance.now() - startedMs);
    if (restMs > 0 && !closing.signal.aborted) await new Promise((resolve) => setTimeout(resolve, restMs));
  }

  return {
    receive(max, waitMs, signal) {
      if (closing.signal.aborted) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        const leave = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          const at = waiters.indexOf(waiter);
          if (at >= 0) waiters.splice(at, 1);
        };
        const onAbort = () => {
          leave();
          reject(SoundstageError.from(signal?.reason));
        };
        const timer = setTimeout(() => waiter.take([]), waitMs);
        const waiter: Waiter<T> = {
          max,
          take: (messages) => (leave(), resolve(messages)),
          fail: (error) => (leave(), reject(SoundstageError.from(error))),
        };
        if (signal?.aborted) return onAbort();
        signal?.addEventListener('abort', onAbort, { once: true });
        waiters.push(waiter);
        balance();
      });
    },

    offer: hand,

    async close() {
      closing.abort();
      for (const waiter of [...waiters]) waiter.take([]);
      while (calls.size > 0) await Promise.allSettled([...calls]);
    },
  };
}
