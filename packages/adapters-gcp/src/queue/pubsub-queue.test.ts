import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { longTest, longTests } from '@soundstage/core/contract-tests';
import type { Delivery, Queue } from '@soundstage/core/ports';
import { openLine, type Line } from '../testing/line.js';
import { pubsubEmulator, startPubSubEmulator } from '../testing/pubsub-emulator.js';
import type { TestServer } from '../testing/servers.js';
import { connectPubSub } from './connection.js';
import { initQueues, replayDeadLetters } from './manage-queues.js';
import { namesOf } from './names.js';
import { createPubSubQueue, type PubSubQueueOptions } from './pubsub-queue.js';

// The contract's suite runs always; what is Pub/Sub's own takes long.
const describeWithEmulator = pubsubEmulator && longTests ? describe : describe.skip;
if (!pubsubEmulator)
  console.log('14 tests of the queue on Pub/Sub are skipped: the Google Cloud SDK’s emulator isn’t installed');

describeWithEmulator('The queue on Google Pub/Sub', () => {
  let emulator: TestServer;
  let line: Line;
  const open: Queue[] = [];
  let topics = 0;
  beforeAll(async () => {
    emulator = await startPubSubEmulator();
    line = await openLine(emulator.address);
  });
  afterEach(() => Promise.all(open.splice(0).map((queue) => queue.close())));
  afterAll(async () => {
    await line.close();
    await emulator.kill();
  });

  const options = (): PubSubQueueOptions => ({ projectId: 'test', endpoint: emulator.address });
  const newTopic = () => `work-${++topics}`;
  function openQueue(more: PubSubQueueOptions = {}): Queue {
    const queue = createPubSubQueue({ ...options(), ...more });
    open.push(queue);
    return queue;
  }
  async function pullOne(queue: Queue, topic: string, leaseMs = 10_000): Promise<Delivery> {
    const [delivery] = await queue.pull(topic, { max: 1, leaseMs, waitMs: 20_000 });
    if (!delivery) throw new Error(`nothing came from ${topic}`);
    return delivery;
  }
  /** Takes and acknowledges until nothing has come for a while. @returns how often each body came */
  async function drain(queues: readonly Queue[], topic: string, expected: number): Promise<Map<string, number>> {
    const seen = new Map<string, number>();
    const endMs = Date.now() + 60_000;
    await Promise.all(
      queues.map(async (queue) => {
        while (seen.size < expected && Date.now() < endMs) {
          const deliveries = await queue.pull(topic, { max: 50, leaseMs: 20_000, waitMs: 1000 });
          for (const { body } of deliveries) seen.set(body, (seen.get(body) ?? 0) + 1);
          await Promise.all(deliveries.map((delivery) => delivery.ack()));
        }
      }),
    );
    return seen;
  }

  test('is made and mended by init, which changes nothing when all is well', async () => {
    const [one, two] = [newTopic(), newTopic()];
    const made = await initQueues([one, two], options());
    expect(made.map(({ did }) => did)).toEqual(Array(8).fill('made'));
    expect(made.map(({ name }) => name.split('/').slice(2).join('/')).slice(0, 4)).toEqual([
      `topics/soundstage-${one}.dead`,
      `subscriptions/soundstage-${one}.dead`,
      `topics/soundstage-${one}`,
      `subscriptions/soundstage-${one}`,
    ]);
    expect((await initQueues([one, two], options())).map(({ did }) => did)).toEqual(Array(8).fill('nothing'));

    const connection = await connectPubSub(options());
    const names = namesOf(one, connection);
    await connection.subscriber.updateSubscription({
      subscription: { name: names.mainSubscription, ackDeadlineSeconds: 99, retryPolicy: null },
      updateMask: { paths: ['ack_deadline_seconds', 'retry_policy'] },
    });
    const mended = await initQueues([one], options());
    expect(mended.at(-1)).toMatchObject({ did: 'mended', what: ['ack_deadline_seconds', 'retry_policy'] });
    expect((await initQueues([one], options())).map(({ did }) => did)).toEqual(Array(4).fill('nothing'));

    // A subscription of a deleted topic may hold messages: it isn't thrown away in silence.
    await connection.publisher.deleteTopic({ topic: names.mainTopic });
    await expect(initQueues([one], options())).rejects.toMatchObject({
      reason: 'CONFLICT',
      message: expect.stringContaining('gcloud pubsub subscriptions delete'),
    });
    await connection.close();
  });

  test('refuses a name that Pub/Sub would refuse with its prefix', async () => {
    const queue = openQueue();
    await expect(queue.publish('x'.repeat(250), [{ body: '1' }])).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    const other = openQueue({ prefix: 'goo' });
    await expect(other.publish('gle', [{ body: '1' }])).rejects.toMatchObject({ reason: 'BAD_INPUT' });
  });

  test('keeps installations with different prefixes apart', async () => {
    const topic = newTopic();
    await openQueue({ prefix: 'theirs-' }).publish(topic, [{ body: 'theirs' }]);
    await openQueue({ prefix: 'ours-' }).publish(topic, [{ body: 'ours' }]);
    expect((await pullOne(openQueue({ prefix: 'ours-' }), topic)).body).toBe('ours');
  });

  test('keeps a message for longer than Pub/Sub’s deadline lasts, without a word from its puller', async () => {
    const topic = newTopic();
    const queue = openQueue({ longestDeadlineS: 1 });
    const other = openQueue();
    await queue.publish(topic, [{ body: '1' }]);
    const delivery = await pullOne(queue, topic, 60_000);
    expect(await other.pull(topic, { max: 1, leaseMs: 1000, waitMs: 4000 })).toEqual([]);
    expect(await delivery.ack()).toBe(true);
  });

  test('puts back what a pull that was cancelled had been given, for whoever comes next', async () => {
    const topic = newTopic();
    const [queue, other] = [openQueue(), openQueue()];
    await queue.publish(topic, []);
    const abort = new AbortController();
    const waiting = queue.pull(topic, { max: 1, leaseMs: 60_000, waitMs: 60_000, signal: abort.signal });
    await sleep(500);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ reason: 'CANCELLED' });
    await other.publish(topic, [{ body: '1' }]);
    // Time enough for the call that was given up to get it.
    await sleep(500);
    const startedMs = performance.now();
    expect((await pullOne(other, topic)).body).toBe('1');
    // Sooner than the ten seconds that a message is out of sight that nobody puts back.
    expect(performance.now() - startedMs).toBeLessThan(7000);
  });

  test('ends pulls that wait when it is closed, refuses the rest, and leaves held messages to others', async () => {
    const topic = newTopic();
    const queue = openQueue();
    await queue.publish(topic, [{ body: 'held' }]);
    await pullOne(queue, topic, 1000);
    const waiting = queue.pull(newTopic(), { max: 1, leaseMs: 1000, waitMs: 60_000 });
    await sleep(200);
    const startedMs = performance.now();
    await queue.close();
    await queue.close();
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(await waiting).toEqual([]);
    await expect(queue.publish(topic, [{ body: '1' }])).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    await expect(queue.pull(topic, { max: 1, leaseMs: 1 })).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    expect((await pullOne(openQueue(), topic)).body).toBe('held');
  });

  test('takes in what many publish at once, and gives each message to one of many pullers', async () => {
    const topic = newTopic();
    const publishers = [openQueue(), openQueue(), openQueue()];
    const pullers = Array.from({ length: 8 }, (_, n) => publishers[n % 3]!);
    const total = 400;
    const [, seen] = await Promise.all([
      Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          publishers[n % 3]!.publish(
            topic,
            Array.from({ length: 20 }, (_, m) => ({ body: `${n * 20 + m}` })),
          ),
        ),
      ),
      drain(pullers, topic, total),
    ]);
    expect(seen.size).toBe(total);
    expect([...seen.values()].every((times) => times === 1)).toBe(true);
  });

  test('sends more than one request can hold', async () => {
    const topic = newTopic();
    const queue = openQueue();
    const body = 'x'.repeat(1024 * 1024 - 10);
    const ids = await queue.publish(
      topic,
      Array.from({ length: 12 }, (_, n) => ({ body: body + n })),
    );
    expect(new Set(ids).size).toBe(12);
    expect((await drain([queue], topic, 12)).size).toBe(12);
  });

  test('tells of the emulator that it can’t count', async () => {
    await expect(openQueue().stats(newTopic())).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  });

  test('publishes what it was given while the line to Pub/Sub was cut, as soon as it is mended', async () => {
    const topic = newTopic();
    const queue = openQueue({ endpoint: line.address });
    await queue.publish(topic, [{ body: 'before' }]);
    line.cut();
    const publishing = Array.from({ length: 20 }, (_, n) => queue.publish(topic, [{ body: `${n}` }]));
    await sleep(1000);
    line.mend();
    await Promise.all(publishing);
    expect((await drain([openQueue()], topic, 21)).size).toBe(21);
  });

  longTest(
    'loses nothing when the line to Pub/Sub is cut in the middle of work',
    async () => {
      const topic = newTopic();
      const queue = openQueue({ endpoint: line.address });
      const worker = openQueue({ endpoint: line.address });
      const bodies = Array.from({ length: 120 }, (_, n) => `${n}`);
      const publishing = (async () => {
        for (const body of bodies) {
          await queue.publish(topic, [{ body, delayMs: Number(body) % 20 === 0 ? 1500 : 0 }]);
          await sleep(10);
        }
      })();
      const done = new Map<string, number>();
      const endMs = Date.now() + 60_000;
      const working = Array.from({ length: 4 }, async () => {
        while (done.size < bodies.length && Date.now() < endMs) {
          for (const delivery of await worker.pull(topic, { max: 2, leaseMs: 3000, waitMs: 1000 })) {
            await sleep(30);
            // Every seventh fails at first; the failure travels through the cut as well.
            if (Number(delivery.body) % 7 === 0 && delivery.attempt === 1)
              await delivery.nack({ failed: { reason: 'at first' } });
            else if (await delivery.ack()) done.set(delivery.body, (done.get(delivery.body) ?? 0) + 1);
          }
        }
      });
      await sleep(600);
      line.cut();
      await sleep(1500);
      line.mend();
      await publishing;
      await Promise.all(working);
      expect([...done.keys()].sort()).toEqual([...bodies].sort());
      expect(await worker.deadLetters(topic)).toEqual([]);
    },
    90_000,
  );

  longTest(
    'buries a message that its workers never live to answer, and says why',
    async () => {
      const topic = newTopic();
      const queue = openQueue({ maxDeliveries: 5 });
      await queue.publish(topic, [{ body: 'poison' }]);
      const endMs = Date.now() + 120_000;
      let letters = await queue.deadLetters(topic);
      while (letters.length === 0 && Date.now() < endMs) {
        await queue.pull(topic, { max: 1, leaseMs: 1000, waitMs: 5000 });
        letters = await queue.deadLetters(topic);
      }
      expect(letters[0]).toMatchObject({ body: 'poison', attempts: 0 });
      expect(letters[0]!.reason).toMatch(/5 times.*may kill the process/);
      expect(await replayDeadLetters(topic, options())).toHaveLength(1);
      expect(await pullOne(queue, topic)).toMatchObject({ body: 'poison', attempt: 1 });
    },
    180_000,
  );

  longTest(
    'keeps a delay of more than Pub/Sub’s longest deadline, and many delayed messages',
    async () => {
      const topic = newTopic();
      const queue = openQueue({ maxDeliveries: 5 });
      const dueMs = Date.now() + 25_000;
      await queue.publish(topic, [
        ...Array.from({ length: 200 }, (_, n) => ({ body: `${n}`, delayMs: 25_000 })),
        { body: 'now' },
      ]);
      expect((await drain([queue], topic, 1)).keys().next().value).toBe('now');
      const seen = await drain([queue, queue], topic, 200);
      expect(seen.size).toBe(200);
      expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
      expect(await queue.deadLetters(topic)).toEqual([]);
    },
    120_000,
  );

  longTest(
    'goes on when the emulator was killed and started anew: what was being published arrives',
    async () => {
      const topic = newTopic();
      const own = await startPubSubEmulator();
      const port = Number(own.address.split(':')[1]);
      const more = { endpoint: own.address };
      const [queue, worker] = [openQueue(more), openQueue(more)];
      await queue.publish(topic, [{ body: 'before' }]);
      const held = await pullOne(worker, topic);
      await own.kill();
      // It keeps nothing over its end, so what counts is what was promised after.
      const publishing = Array.from({ length: 50 }, (_, n) => queue.publish(topic, [{ body: `${n}` }]));
      const working = drain([worker, worker], topic, 50);
      await sleep(3000);
      const again = await startPubSubEmulator(port);
      await Promise.all(publishing);
      const seen = await working;
      expect(seen.size).toBe(50);
      // Its message is gone with the emulator that knew it: there is nothing to answer for, and no error.
      await held.ack();
      await Promise.all(open.splice(0).map((one) => one.close()));
      await again.kill();
    },
    180_000,
  );

  longTest(
    'waits while Pub/Sub hangs, and goes on',
    async () => {
      const topic = newTopic();
      const own = await startPubSubEmulator();
      const queue = openQueue({ endpoint: own.address });
      await queue.publish(topic, [{ body: 'a' }]);
      process.kill(-own.process.pid!, 'SIGSTOP');
      const publishing = queue.publish(topic, [{ body: 'b' }]);
      const working = drain([queue], topic, 2);
      await sleep(15_000);
      process.kill(-own.process.pid!, 'SIGCONT');
      await publishing;
      expect([...(await working).keys()].sort()).toEqual(['a', 'b']);
      await Promise.all(open.splice(0).map((one) => one.close()));
      await own.kill();
    },
    120_000,
  );
});
