import { once } from 'node:events';

/**
 * Whose turn it is among pieces of work that otherwise run side by side: one that must be alone waits until those before
 * it are over, and those after it wait for its end.
 */
export function createTurns() {
  const running = new Set<Promise<void>>();
  /** The last that must be alone. */
  let last = Promise.resolve();

  return async function inTurn<T>(alone: boolean, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = alone ? Promise.all([last, ...running]) : last;
    const made = untilAborted(before, signal).then(work);
    const over = made.then(
      () => undefined,
      () => undefined,
    );
    running.add(over);
    if (alone) last = over;
    try {
      return await made;
    } finally {
      running.delete(over);
    }
  };
}

/** @throws the signal's reason where it is aborted before */
async function untilAborted(event: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const listening = new AbortController();
  const aborted = once(signal, 'abort', { signal: listening.signal }).then(
    () => signal.throwIfAborted(),
    () => undefined, // nobody listens any more
  );
  await Promise.race([event, aborted]);
  listening.abort();
}
