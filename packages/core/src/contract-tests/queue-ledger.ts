import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { Delivery, Queue } from '../ports/queue.js';
import type { QueueFixture } from './fixtures.js';

interface Entry {
  failures: number;
  state: 'waits' | 'held' | 'done' | 'dead';
}

type How = 'ack' | 'disrupt' | 'fail' | 'bury';
type Step =
  | { do: 'publish'; count: number }
  | { do: 'pull'; max: number; client: 0 | 1 }
  | { do: 'settle'; which: number; how: How }
  | { do: 'replay' };

const how = fc.constantFrom<How>('ack', 'disrupt', 'fail', 'fail', 'bury');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pull' as const),
      max: fc.integer({ min: 1, max: 4 }),
      client: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(20), how }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replay' as const) }) },
);

/** Long enough that no lease ends by itself. */
const LEASE_MS = 60_000;

/**
 * Random work of two clients, held to what every queue promises, with or without an order: each message is with one
 * puller at a time, its attempts count its failures alone, and it ends as done or as a dead letter, never as neither.
 */
export async function queueLedger(fixture: QueueFixture, newTopic: () => string): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 20 }), async (steps) => {
      const topic = newTopic();
      const clients = [fixture.queue, fixture.other];
      const ledger = new Map<string, Entry>();
      const held: Delivery[] = [];
      const count = (state: Entry['state']) => [...ledger.values()].filter((entry) => entry.state === state).length;

      async function pull(from: Queue, max: number, waitMs: number): Promise<void> {
        for (const delivery of await from.pull(topic, { max, leaseMs: LEASE_MS, waitMs })) {
          const entry = ledger.get(delivery.body);
          expect(entry).toEqual({ failures: delivery.attempt - 1, state: 'waits' });
          entry!.state = 'held';
          held.push(delivery);
        }
      }

      async function settle(delivery: Delivery, how: How): Promise<void> {
        const entry = ledger.get(delivery.body)!;
        if (how === 'ack') {
          expect(await delivery.ack()).toBe(true);
          entry.state = 'done';
        } else if (how === 'disrupt') {
          expect(await delivery.nack({})).toBe(true);
          entry.state = 'waits';
        } else {
          const settled = how === 'fail' ? delivery.nack({ failed: { reason: 'so' } }) : delivery.deadLetter('so');
          expect(await settled).toBe(true);
          entry.failures++;
          entry.state = how === 'bury' || entry.failures >= fixture.maxAttempts ? 'dead' : 'waits';
        }
      }

      async function countDead(replay: boolean): Promise<void> {
        const letters = await fixture.other.deadLetters(topic, { replay });
        const dead = [...ledger].filter(([, { state }]) => state === 'dead');
        expect(letters.map(({ body, attempts }) => [body, attempts]).sort()).toEqual(
          dead.map(([body, { failures }]) => [body, failures]).sort(),
        );
        if (replay) for (const [, entry] of dead) Object.assign(entry, { failures: 0, state: 'waits' });
      }

      for (const step of steps) {
        if (step.do === 'publish') {
          const bodies = Array.from({ length: step.count }, (_, n) => `${ledger.size + n}`);
          // Before the call: it may be delivered before the publisher hears that it is stored.
          for (const body of bodies) ledger.set(body, { failures: 0, state: 'waits' });
          await fixture.queue.publish(
            topic,
            bodies.map((body) => ({ body })),
          );
        } else if (step.do === 'pull') {
          await pull(clients[step.client]!, step.max, 0);
        } else if (step.do === 'settle') {
          const [delivery] = held.splice(step.which % Math.max(1, held.length), 1);
          if (delivery) await settle(delivery, step.how);
        } else {
          await countDead(true);
        }
      }
      for (const delivery of held.splice(0)) await settle(delivery, 'ack');
      for (let rounds = 0; count('waits') > 0; rounds++) {
        expect(rounds).toBeLessThan(50);
        await pull(fixture.queue, 10, 10_000);
        for (const delivery of held.splice(0)) await settle(delivery, 'ack');
      }
      await countDead(false);
      expect(count('done') + count('dead')).toBe(ledger.size);
      expect(await fixture.queue.pull(topic, { max: 10, leaseMs: LEASE_MS, waitMs: fixture.settleMs ?? 0 })).toEqual(
        [],
      );
    }),
    // Where a call costs next to nothing, more of them.
    { numRuns: fixture.movesClock ? 40 : 2, seed: 20260103 },
  );
}
