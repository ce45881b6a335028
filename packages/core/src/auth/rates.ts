import { SoundstageError } from '../errors.js';
import type { Caller } from './caller.js';

const DEFAULT_CALLS_PER_S = 50;
const DEFAULT_CALLS_AT_ONCE = 100;
/** More names than this and those that are at rest are forgotten. */
const MOST_NAMES = 10_000;

/** A token bucket for each name. */
export interface Buckets {
  /** Takes one. @returns 0, or in how many ms there will be one again */
  take(name: string, perS: number, burst: number): number;
}

export function createBuckets(now: () => number = () => performance.now()): Buckets {
  const levels = new Map<string, { level: number; atMs: number; fullAfterMs: number }>();
  return {
    take(name, perS, burst) {
      const nowMs = now();
      const before = levels.get(name) ?? { level: burst, atMs: nowMs };
      const level = Math.min(burst, before.level + ((nowMs - before.atMs) * perS) / 1000);
      const left = level >= 1 ? level - 1 : level;
      levels.set(name, { level: left, atMs: nowMs, fullAfterMs: ((burst - left) / perS) * 1000 });
      if (levels.size > MOST_NAMES) {
        for (const [each, { atMs, fullAfterMs }] of levels) if (nowMs - atMs >= fullAfterMs) levels.delete(each);
      }
      return level >= 1 ? 0 : Math.ceil(((1 - level) / perS) * 1000);
    },
  };
}

/** How fast and how much at a time each caller may call this process. */
export interface Rates {
  /** @returns what says that the call has ended. @throws QUOTA_EXCEEDED */
  enter(caller: Caller): () => void;
}

export function createRates(now?: () => number): Rates {
  const buckets = createBuckets(now);
  const inFlight = new Map<string, number>();
  return {
    enter({ name, quotas }) {
      const { callsPerS = DEFAULT_CALLS_PER_S, callsAtOnce = DEFAULT_CALLS_AT_ONCE } = quotas;
      const running = inFlight.get(name) ?? 0;
      if (running >= callsAtOnce) {
        throw tooMuch(`${name} has ${callsAtOnce} calls in flight, the most at a time: wait for one to end`, 1000);
      }
      const waitMs = buckets.take(name, callsPerS, Math.max(1, 2 * callsPerS));
      if (waitMs > 0) throw tooMuch(`${name} calls more often than ${callsPerS} times a second: slow down`, waitMs);
      inFlight.set(name, running + 1);
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        const left = (inFlight.get(name) ?? 1) - 1;
        if (left > 0) inFlight.set(name, left);
        else inFlight.delete(name);
      };
    },
  };
}

export function tooMuch(sentence: string, retryAfterMs: number): SoundstageError {
  return new SoundstageError('QUOTA_EXCEEDED', `${sentence}.`, { retryAfterMs });
}
