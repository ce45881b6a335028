import { describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { longTests } from '@soundstage/core/contract-tests';
import { createFolderObjectStore } from '../objects/folder-object-store.js';
import { createSqliteQueue } from '../queue/sqlite-queue.js';
import { contentOf, CRASH_TOPIC } from './crash-plan.js';

const WORKER = fileURLToPath(new URL('./crash-worker.js', import.meta.url));
const ROUNDS = longTests ? 32 : 10;
const SEED = Number(process.env['SOUNDSTAGE_CRASH_SEED'] ?? 1);
const PROCESSES = 2;

/** Numbers between 0 and 1, the same for the same seed (Mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('Processes that are killed with SIGKILL at random points', () => {
  test(`lose nothing and double nothing in ${ROUNDS} rounds`, async () => {
    const home = mkdtempSync(join(tmpdir(), 'soundstage-kill-'));
    const log = join(home, 'log');
    const random = seeded(SEED);
    const startedMs = performance.now();
    const store = createFolderObjectStore({ folder: join(home, 'store') });
    const running = new Set<ChildProcess>();
    const errors: string[] = [];
    /** For each message, the round in which it was acknowledged. */
    const acked = new Map<string, number>();
    const published = new Set<string>();
    const created = new Map<string, number>();
    let counted = 0;
    let kills = 0;
    let lines = 0;

    function readLog(round: number): void {
      const all = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
      const ackedBefore = new Set(acked.keys());
      for (const line of all.slice(lines, -1)) {
        const [did, name = ''] = line.split(' ');
        if (did === 'published') published.add(name);
        // Within a round one process may write late what it did before the other's acknowledgement.
        if (did === 'got' && ackedBefore.has(name))
          errors.push(`${name}, acknowledged in round ${acked.get(name)}, came again in round ${round}`);
        if (did === 'created') created.set(name, (created.get(name) ?? 0) + 1);
        if (did === 'acked' && acked.has(name)) errors.push(`${name} was acknowledged twice`);
        if (did === 'acked') acked.set(name, round);
        if (did === 'counted') counted++;
      }
      lines = Math.max(0, all.length - 1);
    }

    /** Reads whatever can be read, as a client would, while the writers are at work. */
    async function readObjects(after: string): Promise<string> {
      const listed = await store.list('effects/', { after, limit: 100 });
      for (const { key, sizeBytes } of listed) {
        const content = await buffer(await store.get(key));
        const whole = contentOf(key.slice('effects/'.length));
        if (sizeBytes !== whole.length || !content.equals(whole)) errors.push(`${key} could be read half written`);
      }
      return listed.at(-1)?.key ?? '';
    }

    try {
      let after = '';
      for (let round = 0; round < ROUNDS; round++) {
        const deadlines = Array.from({ length: PROCESSES }, async (_, index) => {
          const child = spawn(process.execPath, [WORKER, home, log, `${round}.${index}`], {
            stdio: ['ignore', 'pipe', 'pipe'],
            env: { PATH: process.env['PATH'] },
          });
          running.add(child);
          child.stderr.on('data', (data: Buffer) => {
            if (!/Warning|trace-warnings/.test(String(data))) errors.push(String(data));
          });
          const exited = once(child, 'exit');
          // Some die while they start and open the files, most at work.
          const [early, delayMs] = [random() < 0.1, random() * 200];
          if (!early) await Promise.race([once(child.stdout, 'data'), exited]);
          await sleep(delayMs);
          kills += child.kill('SIGKILL') ? 1 : 0;
          await exited;
          running.delete(child);
        });
        const reading = (async () => {
          while (running.size > 0) {
            after = await readObjects(after);
            await sleep(30);
          }
        })();
        await Promise.all(deadlines);
        await reading;
        readLog(round);
        if (errors.length > 0) break;
      }
      const killedMs = performance.now() - startedMs;
      expect(errors).toEqual([]);
      expect(kills).toBe(ROUNDS * PROCESSES);

      // Whoever comes after them finishes the work.
      const queue = createSqliteQueue({ file: join(home, 'queue.sqlite'), maxDeliveries: 1_000_000 });
      const finished = new Set(acked.keys());
      for (;;) {
        const deliveries = await queue.pull(CRASH_TOPIC, { max: 200, leaseMs: 60_000, waitMs: 400 });
        if (deliveries.length === 0) break;
        await Promise.all(
          deliveries.map(async ({ body }) => {
            // Neither what the killed acknowledged nor what was acknowledged here comes again.
            expect(finished.has(body)).toBe(false);
            finished.add(body);
            await store.put(`effects/${body}`, contentOf(body), { ifVersion: 'absent' }).catch((thrown: unknown) => {
              expect(thrown).toMatchObject({ reason: 'ALREADY_EXISTS' });
            });
          }),
        );
        expect(await Promise.all(deliveries.map((delivery) => delivery.ack()))).not.toContain(false);
      }
      expect(await queue.stats(CRASH_TOPIC)).toMatchObject({ ready: 0, delayed: 0, leased: 0, dead: 0 });
      await queue.close();

      // Nothing that was published is lost: it stands as an object, whole, made once.
      const effects = new Set<string>();
      for (let last = ''; ;) {
        const page = await store.list('effects/', { after: last });
        for (const { key } of page) effects.add(key.slice('effects/'.length));
        if (page.length === 0) break;
        last = page.at(-1)!.key;
      }
      expect([...published].filter((name) => !effects.has(name))).toEqual([]);
      expect([...created].filter(([, times]) => times !== 1)).toEqual([]);
      for (let last = ''; (last = await readObjects(last)) !== '';);
      expect(errors).toEqual([]);

      // No count that was told is lost; a killed one may have counted without telling.
      const value = Number((await buffer(await store.get('state/counter'))).toString());
      expect(value).toBeGreaterThanOrEqual(counted);
      expect(value).toBeLessThanOrEqual(counted + ROUNDS * PROCESSES);

      // Whoever starts next sweeps up what the killed left half written.
      createFolderObjectStore({ folder: join(home, 'store') });
      for (let tries = 0; readdirSync(join(home, 'store', 'tmp')).length > 0 && tries < 100; tries++) await sleep(20);
      expect(readdirSync(join(home, 'store', 'tmp'))).toEqual([]);

      expect(published.size).toBeGreaterThan(100);
      expect(acked.size).toBeGreaterThan(50);
      console.log(
        `${kills} processes killed in ${(killedMs / 1000).toFixed(1)} s (seed ${SEED}): ${published.size} messages published, ${acked.size} acknowledged by the killed, ${counted} counts, nothing lost or doubled`,
      );
    } finally {
      for (const child of running) child.kill('SIGKILL');
      rmSync(home, { recursive: true, force: true });
    }
  }, 120_000);
});
