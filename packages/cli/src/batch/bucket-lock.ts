import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bucket } from '@soundstage/adapters';
import { commonConfig, readConfig, SoundstageError } from '@soundstage/core';
import type { BatchLock } from './places.js';

/** How often a lease is renewed before it has run out. */
const RENEWALS = 3;

/**
 * Keeps other batches out of a prefix of a bucket until `release`: an object that its holder writes anew, again and
 * again. One that nobody has written for the length of a lease (SOUNDSTAGE_LEASE_S) is taken over: its process was
 * killed. No clock is compared with another.
 *
 * @throws CONFLICT where another batch is at work there
 */
export async function lockBucket(bucket: Bucket, key: string, address: string): Promise<Required<BatchLock>> {
  const leaseMs = 1000 * readConfig({ SOUNDSTAGE_LEASE_S: commonConfig.SOUNDSTAGE_LEASE_S }).SOUNDSTAGE_LEASE_S;
  const own = new TextEncoder().encode(`${process.pid} ${hostname()}\n`);
  const write = (ifGeneration: string) => bucket.put(key, own, { mediaType: 'text/plain', ifGeneration });
  const busy = () =>
    new SoundstageError(
      'CONFLICT',
      `Another batch writes to ${address}: wait for it. One that was killed is known as such after ${leaseMs / 1000} s.`,
    );

  let there = await bucket.stat(key);
  if (there) {
    const seen = there.generation;
    await sleep(leaseMs * (1 + 1 / RENEWALS));
    there = await bucket.stat(key);
    if (there && there.generation !== seen) throw busy();
  }
  const unlessTaken = (error: unknown): never => {
    throw SoundstageError.from(error).reason === 'CONFLICT' ? busy() : error;
  };
  let { generation } = await write(there?.generation ?? '0').catch(unlessTaken);

  const lost = new AbortController();
  const ended = new AbortController();
  const renewing = (async () => {
    while (!lost.signal.aborted) {
      await sleep(leaseMs / RENEWALS, undefined, { signal: ended.signal });
      try {
        ({ generation } = await write(generation));
      } catch (error) {
        // A store that is away for a moment takes nothing from us: the next one to come would find no lock but ours.
        if (SoundstageError.from(error).reason === 'CONFLICT')
          lost.abort(new SoundstageError('CANCELLED', `Another batch has taken ${address} over.`));
      }
    }
  })().catch(() => undefined);

  return {
    lost: lost.signal,
    async release() {
      ended.abort();
      await renewing;
      if (!lost.signal.aborted) await bucket.remove(key, generation);
    },
  };
}
