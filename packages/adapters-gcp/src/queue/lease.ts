/** The longest that Pub/Sub lets an acknowledgement deadline be, seconds. */
export const LONGEST_DEADLINE_S = 600;

/** A message's time with its puller. */
export interface Lease {
  /** Whether the puller still has it, as far as this process can tell. */
  holds(): boolean;
  /** Sets the end to `leaseMs` from now. */
  extend(leaseMs: number): Promise<void>;
  /** Stops renewing it. */
  end(): void;
}

/**
 * Keeps a lease of any length over deadlines that Pub/Sub limits to ten minutes: a longer one is renewed here until
 * its end, and there is no longest. (The client library's own lease manager ends silently after an hour.)
 *
 * @param setDeadline tells Pub/Sub that the message is taken for so many seconds
 */
export async function takeLease(
  leaseMs: number,
  setDeadline: (seconds: number) => Promise<void>,
  longestDeadlineS = LONGEST_DEADLINE_S,
): Promise<Lease> {
  let endMs = 0;
  let timer: NodeJS.Timeout | undefined;

  async function extend(forMs: number): Promise<void> {
    const until = performance.now() + forMs;
    await setDeadline(Math.min(Math.ceil(forMs / 1000), longestDeadlineS));
    endMs = until;
    renewLater();
  }

  function renewLater(): void {
    clearTimeout(timer);
    if (endMs - performance.now() <= longestDeadlineS * 1000) return;
    timer = setTimeout(
      () => {
        const leftMs = endMs - performance.now();
        setDeadline(Math.min(Math.ceil(leftMs / 1000), longestDeadlineS)).then(renewLater, renewLater);
      },
      (longestDeadlineS * 1000) / 2,
    ).unref();
  }

  await extend(leaseMs);
  return {
    holds: () => performance.now() < endMs,
    extend,
    end: () => {
      clearTimeout(timer);
      endMs = 0;
    },
  };
}
