import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError } from '../errors.js';
import { sha256 } from '../hash.js';
import type { ObjectStore } from '../ports/object-store.js';
import { readJson, writeJson } from '../store-json.js';
import type { Caller } from './caller.js';
import { tooMuch } from './rates.js';

const DAY_MS = 24 * 3600 * 1000;
const MOST_CONFLICTS = 20;

type Counted = 'jobs' | 'uploadBytes';

/**
 * What a caller has had today (UTC), as a record in the store, so that it holds over all processes and restarts:
 *
 *     usage/<hash of the name>/<date>.json
 *
 * It is looked at before and counted after, since only then it is known that something new was made: calls in flight
 * at the same time may go over the limit by as many as they are. Who has no such quota costs nothing.
 */
export interface Usage {
  /** @throws QUOTA_EXCEEDED where `amount` more would be too much */
  check(caller: Caller, what: Counted, amount: number): Promise<void>;
  count(caller: Caller, what: Counted, amount: number): Promise<void>;
}

const LIMIT: Readonly<Record<Counted, 'jobsPerDay' | 'uploadBytesPerDay'>> = {
  jobs: 'jobsPerDay',
  uploadBytes: 'uploadBytesPerDay',
};
const WORDS: Readonly<Record<Counted, string>> = { jobs: 'jobs', uploadBytes: 'bytes of uploads' };

export function createUsage(store: ObjectStore, now: () => number = Date.now): Usage {
  const today = () => new Date(now()).toISOString().slice(0, 10);
  const keyOf = ({ name }: Caller) => `usage/${sha256(name).slice(0, 32)}/${today()}.json`;
  const read = (key: string) => readJson<Partial<Record<Counted, number>>>(store, key);
  return {
    async check(caller, what, amount) {
      const limit = caller.quotas[LIMIT[what]];
      if (limit === undefined) return;
      const had = (await read(keyOf(caller)))?.value[what] ?? 0;
      if (had + amount <= limit) return;
      const midnightMs = (Math.floor(now() / DAY_MS) + 1) * DAY_MS;
      const sentence = `${caller.name} has had ${had} of ${limit} ${WORDS[what]} today, and this takes ${amount} more: go on tomorrow (UTC), or ask who runs this server`;
      throw tooMuch(sentence, midnightMs - now());
    },
    async count(caller, what, amount) {
      if (caller.quotas[LIMIT[what]] === undefined) return;
      for (let conflicts = 0; ; conflicts++) {
        const key = keyOf(caller);
        const before = await read(key);
        const after = { ...before?.value, [what]: (before?.value[what] ?? 0) + amount };
        try {
          await writeJson(store, key, after, { ifVersion: before?.version ?? 'absent' });
          return;
        } catch (error) {
          const { reason } = SoundstageError.from(error);
          if ((reason !== 'CONFLICT' && reason !== 'ALREADY_EXISTS') || conflicts >= MOST_CONFLICTS) throw error;
          await sleep(Math.random() * 20 * (conflicts + 1));
        }
      }
    },
  };
}
