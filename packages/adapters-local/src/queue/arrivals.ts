/** Tells pulls of this process that wait on a topic that something may have come for them. */
export interface Arrivals {
  /** Ends every wait on the topic, or all waits. */
  announce(topic?: string): void;
  /** Resolves at the next announcement, after `ms` at the latest, or when the signal is aborted. */
  wait(topic: string, ms: number, signal: AbortSignal | undefined): Promise<void>;
}

export function createArrivals(): Arrivals {
  const waiters = new Map<string, Set<() => void>>();
  return {
    announce(topic) {
      const sets = topic === undefined ? [...waiters.values()] : [waiters.get(topic)];
      for (const set of sets) for (const wake of [...(set ?? [])]) wake();
    },
    wait(topic, ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const set = waiters.get(topic) ?? new Set();
        waiters.set(topic, set);
        const wake = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', wake);
          set.delete(wake);
          if (set.size === 0 && waiters.get(topic) === set) waiters.delete(topic);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal?.addEventListener('abort', wake, { once: true });
        set.add(wake);
      });
    },
  };
}
