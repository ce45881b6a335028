import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Delivery, Queue } from '@soundstage/core';
import { openQueueFile } from './queue-file.js';
import { createSqliteQueue, type SqliteQueueOptions } from './sqlite-queue.js';

describe('The queue in a SQLite file', () => {
  let folder: string;
  let file: string;
  let nowMs = 1_000_000;
  const open: Queue[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'soundstage-queue-'));
    file = join(folder, 'below', 'queue.sqlite');
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((queue) => queue.close()));
    rmSync(folder, { recursive: true });
  });

  function openQueue(options: Partial<SqliteQueueOptions> = {}): Queue {
    const queue = createSqliteQueue({ file, clock: () => nowMs, ...options });
    open.push(queue);
    return queue;
  }
  async function pullOne(queue: Queue, topic: string): Promise<Delivery> {
    const [delivery] = await queue.pull(topic, { max: 1, leaseMs: 1000 });
    if (!delivery) throw new Error(`nothing is ready in ${topic}`);
    return delivery;
  }

  test('keeps messages, leases and failed attempts over a restart', async () => {
    const before = openQueue();
    await before.publish('work', [{ body: '1' }, { body: '2' }]);
    await (await pullOne(before, 'work')).nack({ failed: { reason: 'once' } });
    await pullOne(before, 'work');
    await before.close();
    const after = openQueue();
    expect(await after.stats('work')).toMatchObject({ ready: 1, leased: 1 });
    nowMs += 1001;
    const both = await after.pull('work', { max: 10, leaseMs: 1000 });
    expect(both.map(({ body, attempt }) => [body, attempt])).toEqual([
      ['1', 2],
      ['2', 1],
    ]);
  });

  test('ends a lease in time when the machine’s clock is set back meanwhile', async () => {
    const realNow = Date.now;
    const queue = createSqliteQueue({ file });
    await queue.publish('clock', [{ body: '{}' }]);
    try {
      Date.now = () => realNow() + 3_600_000;
      const ahead = createSqliteQueue({ file });
      expect(await ahead.pull('clock', { max: 1, leaseMs: 100 })).toHaveLength(1);
      await ahead.close(); // killed: it gives no answer
    } finally {
      Date.now = realNow;
    }
    expect(await queue.pull('clock', { max: 1, leaseMs: 100, waitMs: 5000 })).toHaveLength(1);
    await queue.close();
  });

  test('buries a message that its workers never live to answer, and says why', async () => {
    const queue = openQueue({ maxDeliveries: 3 });
    await queue.publish('work', [{ body: 'poison' }]);
    for (let death = 0; death < 3; death++) {
      expect((await pullOne(queue, 'work')).attempt).toBe(1);
      nowMs += 1001;
    }
    expect(await queue.pull('work', { max: 1, leaseMs: 1000 })).toEqual([]);
    const [letter] = await queue.deadLetters('work');
    expect(letter).toMatchObject({ body: 'poison', attempts: 0 });
    expect(letter!.reason).toMatch(/3 times.*may kill the process/);
  });

  test('doesn’t count a worker that drains as one that was killed', async () => {
    const queue = openQueue({ maxDeliveries: 3 });
    await queue.publish('work', [{ body: 'fine' }]);
    for (let drain = 0; drain < 10; drain++) await (await pullOne(queue, 'work')).nack({});
    await pullOne(queue, 'work');
    nowMs += 1001;
    await (await pullOne(queue, 'work')).ack();
    expect(await queue.deadLetters('work')).toEqual([]);
  });

  test('takes a late answer as long as nobody else has the message', async () => {
    const queue = openQueue();
    await queue.publish('work', [{ body: '1' }]);
    const late = await pullOne(queue, 'work');
    nowMs += 5000;
    expect(await queue.stats('work')).toMatchObject({ ready: 1, leased: 0 });
    expect(await late.extend(1000)).toBe(false);
    expect(await late.ack()).toBe(true);
    expect(await queue.stats('work')).toMatchObject({ ready: 0, leased: 0 });
  });

  test('writes each commit through to the disk, so that it survives a loss of power', () => {
    const database = openQueueFile(file);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    database.close();
  });

  test('lets calls that come at once share a commit', async () => {
    const queue = openQueue();
    await queue.publish('work', [{ body: '{}' }]);
    const before = statSync(`${file}-wal`).size;
    await Promise.all(Array.from({ length: 100 }, () => queue.publish('work', [{ body: '{}' }])));
    // Each commit writes its pages of 4 kB, three at least.
    expect(statSync(`${file}-wal`).size - before).toBeLessThan(30 * 3 * 4096);
    expect(await queue.stats('work')).toMatchObject({ ready: 101 });
  });

  test('gives the space of messages that are gone back to the disk', async () => {
    const queue = openQueue();
    const body = 'x'.repeat(20_000);
    for (let n = 0; n < 10; n++)
      await queue.publish(
        'work',
        Array.from({ length: 100 }, () => ({ body })),
      );
    const sizeBytes = () => statSync(file).size + statSync(`${file}-wal`).size;
    const full = sizeBytes();
    expect(full).toBeGreaterThan(20_000_000);
    for (let pulled = 1; pulled > 0;) {
      const deliveries = await queue.pull('work', { max: 10, leaseMs: 1000 });
      pulled = deliveries.length;
      await Promise.all(deliveries.map((delivery) => delivery.ack()));
    }
    await queue.close();
    expect(statSync(file).size).toBeLessThan(full / 2);
  });

  test('doesn’t grow however many messages go through it, dead ones among them', async () => {
    const queue = openQueue({ maxDeadLetters: 50 });
    const body = 'x'.repeat(1000);
    const sizes: number[] = [];
    for (let round = 0; round < 30; round++) {
      await queue.publish(
        'work',
        Array.from({ length: 200 }, () => ({ body })),
      );
      const deliveries = await queue.pull('work', { max: 200, leaseMs: 1000 });
      await Promise.all(deliveries.map((one, n) => (n % 2 ? one.ack() : one.deadLetter('so'))));
      sizes.push(statSync(file).size + statSync(`${file}-wal`).size);
    }
    expect(await queue.stats('work')).toMatchObject({ ready: 0, leased: 0, dead: 50 });
    expect(sizes.at(-1)! - sizes[14]!).toBeLessThan(100_000);
  });

  test('forgets dead letters after their time', async () => {
    const queue = openQueue({ deadLetterDays: 2 });
    await queue.publish('work', [{ body: 'old' }, { body: 'new' }]);
    await (await pullOne(queue, 'work')).deadLetter('so');
    nowMs += 2 * 86_400_000 + 1;
    await (await pullOne(queue, 'work')).deadLetter('so');
    expect((await queue.deadLetters('work')).map(({ body }) => body)).toEqual(['new']);
  });

  test('ends pulls that wait when it is closed, finishes what was asked, and refuses the rest', async () => {
    const queue = openQueue();
    const waiting = queue.pull('work', { max: 1, leaseMs: 1000, waitMs: 60_000 });
    const publishing = queue.publish('other', [{ body: '1' }]);
    await queue.close();
    await queue.close();
    expect(await waiting).toEqual([]);
    expect(await publishing).toHaveLength(1);
    for (const call of [
      queue.publish('work', [{ body: '1' }]),
      queue.pull('work', { max: 1, leaseMs: 1 }),
      queue.stats('work'),
    ]) {
      await expect(call).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    }
    expect(await openQueue().stats('other')).toMatchObject({ ready: 1 });
  });

  test('says what is wrong with a file that it can’t use', () => {
    mkdirSync(join(folder, 'below'));
    writeFileSync(file, 'This is a letter to my aunt, and it is long enough to be read as a header. '.repeat(20));
    expect(() => openQueue()).toThrow(
      expect.objectContaining({ reason: 'INTERNAL', message: expect.stringContaining(file) }),
    );
    rmSync(file);
    mkdirSync(file);
    expect(() => openQueue()).toThrow(expect.objectContaining({ reason: 'UNAVAILABLE' }));
  });
});
