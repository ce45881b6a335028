import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, Queue } from '../ports/queue.js';
import { expectReason } from './expect-reason.js';
import type { QueueFixture } from './fixtures.js';
import { queueLedger } from './queue-ledger.js';
import { queueModel } from './queue-model.js';

let topics = 0;

/** Holds a queue adapter to the port. */
export function queueContract(name: string, createFixture: () => Promise<QueueFixture>): void {
  describe(`${name}, as a queue,`, () => {
    let fixture: QueueFixture;
    let queue: Queue;
    beforeAll(async () => {
      fixture = await createFixture();
      queue = fixture.queue;
    });
    afterAll(() => fixture.close());

    const newTopic = () => `contract-${process.pid}-${++topics}`;

    async function pullOne(topic: string, from: Queue = queue): Promise<Delivery> {
      const [delivery] = await from.pull(topic, { max: 1, leaseMs: fixture.leaseMs, waitMs: 10_000 });
      if (!delivery) throw new Error('no message came within 10 s');
      return delivery;
    }
    const expectEmpty = async (topic: string) =>
      expect(await queue.pull(topic, { max: 1, leaseMs: fixture.leaseMs, waitMs: fixture.settleMs ?? 0 })).toEqual([]);

    test('delivers what was published, with its attributes, until it is acknowledged', async () => {
      const topic = newTopic();
      const body = JSON.stringify({ text: 'Größe 소리 "\\"\n\u0000', n: 1 });
      const [id] = await queue.publish(topic, [{ body, attributes: { traceparent: '00-ab-cd-01' } }]);
      const delivery = await pullOne(topic, fixture.other);
      expect(delivery).toMatchObject({ id, body, attributes: { traceparent: '00-ab-cd-01' }, attempt: 1 });
      expect(delivery.publishedAt).toBeInstanceOf(Date);
      expect(await delivery.ack()).toBe(true);
      await fixture.pass(fixture.leaseMs + 100);
      await expectEmpty(topic);
    });

    test('delivers each message of a batch to one puller only while the leases last', async () => {
      const topic = newTopic();
      const ids = await queue.publish(
        topic,
        Array.from({ length: 50 }, (_, n) => ({ body: String(n) })),
      );
      expect(new Set(ids).size).toBe(50);
      const seen: string[] = [];
      while (seen.length < 50) {
        const both = await Promise.all(
          [queue, fixture.other].map((one) => one.pull(topic, { max: 7, leaseMs: 60_000, waitMs: 10_000 })),
        );
        const deliveries = both.flat();
        expect(deliveries.length).toBeGreaterThan(0);
        seen.push(...deliveries.map(({ body }) => body));
        await Promise.all(deliveries.map((delivery) => delivery.ack()));
        if (seen.length >= 50) break;
      }
      expect(seen.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n));
      if (fixture.ordered) expect(new Set(seen).size).toBe(50);
    });

    test('keeps the order of publishing where it promises one, and puts a returned message back in its place', async () => {
      if (!fixture.ordered) return;
      const topic = newTopic();
      await queue.publish(
        topic,
        ['a', 'b'].map((body) => ({ body })),
      );
      await queue.publish(
        topic,
        ['c', 'd'].map((body) => ({ body })),
      );
      const first = await pullOne(topic);
      expect(first.body).toBe('a');
      await first.nack({});
      const all = await queue.pull(topic, { max: 10, leaseMs: 60_000 });
      expect(all.map(({ body }) => body)).toEqual(['a', 'b', 'c', 'd']);
    });

    test('keeps topics apart', async () => {
      const [one, two] = [newTopic(), newTopic()];
      await queue.publish(one, [{ body: '1' }]);
      await expectEmpty(two);
      expect((await pullOne(one)).body).toBe('1');
    });

    test('delivers again when a lease ends, and that spends no attempt', async () => {
      const topic = newTopic();
      await queue.publish(topic, [{ body: '{}' }]);
      const lost = await pullOne(topic);
      await expectEmpty(topic);
      await fixture.pass(fixture.leaseMs + 100);
      const again = await pullOne(topic, fixture.other);
      expect(again).toMatchObject({ id: lost.id, attempt: 1 });
      if (fixture.tellsStale) {
        expect(await lost.ack()).toBe(false);
        expect(await lost.nack({ failed: { reason: 'late' } })).toBe(false);
        expect(await lost.extend(1000)).toBe(false);
        expect(await lost.deadLetter('late')).toBe(false);
      }
      expect(await again.ack()).toBe(true);
      if (fixture.tellsStale) expect(await again.ack()).toBe(false);
    });

    test('keeps a message with its puller as long as the lease is extended', async () => {
      const topic = newTopic();
      await queue.publish(topic, [{ body: '{}' }]);
      const delivery = await pullOne(topic);
      for (let beat = 0; beat < 3; beat++) {
        await fixture.pass(fixture.leaseMs * 0.6);
        expect(await delivery.extend(fixture.leaseMs)).toBe(true);
      }
      await expectEmpty(topic);
      expect(await delivery.ack()).toBe(true);
    });

    test('holds a delayed message back until its time has come', async () => {
      const topic = newTopic();
      await queue.publish(topic, [{ body: 'later', delayMs: 1000 }, { body: 'now' }]);
      const now = await pullOne(topic);
      expect(now.body).toBe('now');
      await expectEmpty(topic);
      await now.ack();
      await fixture.pass(1100);
      const later = await pullOne(topic);
      expect(later.body).toBe('later');
      expect(await later.nack({ failed: { reason: 'not yet' }, delayMs: 1000 })).toBe(true);
      await expectEmpty(topic);
      await fixture.pass(1100);
      expect(await pullOne(topic)).toMatchObject({ body: 'later', attempt: 2 });
    });

    test('counts failed attempts and not disruptions, then buries the message with the last reason', async () => {
      const topic = newTopic();
      await queue.publish(topic, [{ body: '{"n":1}', attributes: { a: 'b' } }]);
      for (let attempt = 1; attempt <= fixture.maxAttempts; attempt++) {
        const disrupted = await pullOne(topic);
        expect(disrupted.attempt).toBe(attempt);
        expect(await disrupted.nack({})).toBe(true);
        const failing = await pullOne(topic);
        expect(failing.attempt).toBe(attempt);
        expect(await failing.nack({ failed: { reason: `failure ${attempt}` } })).toBe(true);
      }
      await expectEmpty(topic);
      const letters = await queue.deadLetters(topic);
      expect(letters).toEqual([
        expect.objectContaining({
          body: '{"n":1}',
          attributes: { a: 'b' },
          attempts: fixture.maxAttempts,
          reason: `failure ${fixture.maxAttempts}`,
        }),
      ]);
      expect(letters[0]!.diedAt).toBeInstanceOf(Date);
    });

    test('buries a message at once when told to, and replays it with its attempts at zero', async () => {
      const topic = newTopic();
      await queue.publish(topic, [{ body: 'bad' }, { body: 'good' }]);
      for (let n = 0; n < 2; n++) {
        const delivery = await pullOne(topic);
        if (delivery.body === 'bad') expect(await delivery.deadLetter('no picture in it')).toBe(true);
        else await delivery.ack();
      }
      expect(await queue.deadLetters(topic)).toEqual([
        expect.objectContaining({ body: 'bad', reason: 'no picture in it' }),
      ]);
      await expectEmpty(topic);
      expect(await fixture.other.deadLetters(topic, { replay: true })).toHaveLength(1);
      expect(await queue.deadLetters(topic)).toEqual([]);
      expect(await pullOne(topic)).toMatchObject({ body: 'bad', attempt: 1 });
    });

    test('gives a pull that waits its message at once, from this client and from another', async () => {
      for (const publisher of [queue, fixture.other]) {
        const topic = newTopic();
        await queue.publish(topic, []);
        const waiting = pullOne(topic);
        await sleep(50);
        const publishedMs = performance.now();
        await publisher.publish(topic, [{ body: '{}' }]);
        await (await waiting).ack();
        expect(performance.now() - publishedMs).toBeLessThan(2000);
      }
    });

    test('ends a pull that waits in vain after its time, or when it is cancelled', async () => {
      const topic = newTopic();
      const startedMs = performance.now();
      expect(await queue.pull(topic, { max: 1, leaseMs: 1000, waitMs: 150 })).toEqual([]);
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(140);
      const abort = new AbortController();
      const waiting = queue.pull(topic, { max: 1, leaseMs: 1000, waitMs: 60_000, signal: abort.signal });
      setTimeout(() => abort.abort(), 30);
      await expectReason(waiting, 'CANCELLED');
      await expectReason(queue.pull(topic, { max: 1, leaseMs: 1000, signal: AbortSignal.abort() }), 'CANCELLED');
      // A cancelled pull takes nothing with it.
      await queue.publish(topic, [{ body: '{}' }]);
      await (await pullOne(topic)).ack();
    });

    test('tells what waits', async () => {
      if (!fixture.exactStats) return;
      const topic = newTopic();
      expect(await queue.stats(topic)).toEqual({ ready: 0, delayed: 0, leased: 0, dead: 0, oldestReadyAgeS: 0 });
      await queue.publish(topic, [{ body: '1' }, { body: '2' }, { body: '3' }, { body: '4', delayMs: 60_000 }]);
      await (await pullOne(topic)).deadLetter('so');
      const leased = await pullOne(topic);
      await fixture.pass(fixture.leaseMs / 2);
      const stats = await fixture.other.stats(topic);
      expect(stats).toMatchObject({ ready: 1, delayed: 1, leased: 1, dead: 1 });
      expect(stats.oldestReadyAgeS).toBeGreaterThan((fixture.leaseMs / 2000) * 0.9);
      await fixture.pass(fixture.leaseMs);
      expect(await queue.stats(topic)).toMatchObject({ ready: 2, leased: 0 });
      expect(await leased.extend(1000)).toBe(false);
    });

    test('refuses what it could not carry', async () => {
      const topic = newTopic();
      await expectReason(queue.publish(topic, [{ body: 'x'.repeat(1024 * 1024 + 1) }]), 'BAD_INPUT');
      await expectReason(queue.publish(topic, [{ body: '{}', attributes: { a: 'x'.repeat(1025) } }]), 'BAD_INPUT');
      await expectReason(queue.publish(topic, [{ body: '{}', delayMs: -1 }]), 'BAD_INPUT');
      await expectReason(queue.publish('../x', [{ body: '{}' }]), 'BAD_INPUT');
      await expectReason(queue.pull(topic, { max: 0, leaseMs: 1000 }), 'BAD_INPUT');
      await expectReason(queue.pull(topic, { max: 1, leaseMs: 0 }), 'BAD_INPUT');
      await expectEmpty(topic);
      const largest = 'x'.repeat(1024 * 1024);
      await queue.publish(topic, [{ body: largest }]);
      const delivery = await pullOne(topic);
      expect(delivery.body === largest).toBe(true);
      await delivery.ack();
    });

    test('ends each message as done or dead, with its failures counted, whatever two clients do', () =>
      queueLedger(fixture, newTopic));

    test('behaves as its model does under random work of two clients', async () => {
      if (fixture.movesClock) await queueModel(fixture, newTopic);
    });
  });
}
