import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError, throwIfAborted } from '@soundstage/core/errors';

export interface RetryRules {
  /** No further try begins after so long. */
  limitMs: number;
  /** The longest pause before the second try; it doubles with each. Default 100. */
  firstPauseMs?: number;
  /** Default 5,000. */
  longestPauseMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Calls until it works, with pauses that double and are shortened at random, so that many clients don't come back at
 * the same moment.
 *
 * @param mayHelp whether another try may do better; a number is the least pause that the server asked for, milliseconds
 * @throws what the last try threw; CANCELLED when the signal is aborted
 */
export async function withRetry<T>(
  call: () => Promise<T>,
  mayHelp: (thrown: unknown) => boolean | number,
  { limitMs, firstPauseMs = 100, longestPauseMs = 5000, signal }: RetryRules,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (let tries = 0; ; tries++) {
    throwIfAborted(signal);
    try {
      return await call();
    } catch (thrown) {
      throwIfAborted(signal);
      const verdict = mayHelp(thrown);
      if (verdict === false) throw thrown;
      const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** tries);
      const pauseMs = Math.max(Number(verdict === true ? 0 : verdict), longest * (0.5 + Math.random() / 2));
      if (performance.now() + pauseMs > endMs) throw thrown;
      await sleep(pauseMs, undefined, signal ? { signal } : {}).catch((cause: unknown) => {
        throw SoundstageError.from(cause);
      });
    }
  }
}
