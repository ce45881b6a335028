/**
 * A process of the crash test, made to be killed: node crash-worker.js HOME LOG NAME
 *
 * What it has done for certain it writes, one line each, to a log that all processes append to. It says nothing of
 * what it is just doing: that may have happened or not when it is killed.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError } from '@soundstage/core/errors';
import { createFolderObjectStore } from '../objects/folder-object-store.js';
import { createSqliteQueue } from '../queue/sqlite-queue.js';
import { contentOf, CRASH_LEASE_MS, CRASH_TOPIC } from './crash-plan.js';

const [home, log, own] = process.argv.slice(2) as [string, string, string];
const queue = createSqliteQueue({ file: join(home, 'queue.sqlite'), maxDeliveries: 1_000_000 });
const store = createFolderObjectStore({ folder: join(home, 'store') });
const note = (line: string) => appendFileSync(log, `${line}\n`);

async function publish(): Promise<never> {
  for (let n = 0; ; n++) {
    // Sometimes one, sometimes a batch, sometimes several calls that share a commit.
    const calls = Array.from({ length: 1 + (n % 3) }, (_, call) =>
      Array.from({ length: n % 5 === 0 ? 10 : 1 }, (_, message) => `${own}-${n}-${call}-${message}`),
    );
    await Promise.all(
      calls.map(async (names) => {
        await queue.publish(
          CRASH_TOPIC,
          names.map((body) => ({ body })),
        );
        note(names.map((name) => `published ${name}`).join('\n'));
      }),
    );
    // Leaves the disk to the others now and then.
    await sleep(10);
  }
}

async function work(): Promise<never> {
  for (;;) {
    const deliveries = await queue.pull(CRASH_TOPIC, { max: 8, leaseMs: CRASH_LEASE_MS, waitMs: 1000 });
    note(deliveries.map(({ body }) => `got ${body}`).join('\n'));
    await Promise.all(
      deliveries.map(async (delivery) => {
        const { body } = delivery;
        if (Number(body.split('-')[1]) % 7 === 3 && Math.random() < 0.5) return void (await delivery.nack({}));
        try {
          await store.put(`effects/${body}`, contentOf(body), { ifVersion: 'absent' });
          note(`created ${body}`);
        } catch (thrown) {
          // Already there is success: an earlier delivery got so far.
          if (SoundstageError.from(thrown).reason !== 'ALREADY_EXISTS') throw thrown;
        }
        if (await delivery.ack()) note(`acked ${body}`);
      }),
    );
  }
}

/** Counts up a record that all workers share, by version. */
async function count(): Promise<never> {
  for (;;) {
    const before = await store.stat('state/counter');
    const value = before ? Number((await buffer(await store.get('state/counter'))).toString()) : 0;
    // Read after the version: if somebody was faster in between, the version doesn't fit.
    try {
      await store.put('state/counter', Buffer.from(String(value + 1)), { ifVersion: before?.version ?? 'absent' });
      note('counted');
    } catch (thrown) {
      if (!['CONFLICT', 'ALREADY_EXISTS'].includes(SoundstageError.from(thrown).reason)) throw thrown;
    }
  }
}

process.stdout.write('at work\n');
await Promise.all([publish(), work(), count()]);
