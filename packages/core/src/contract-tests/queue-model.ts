import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { Delivery } from '../ports/queue.js';
import type { QueueFixture } from './fixtures.js';

/** What the port says of one message. */
interface ModelMessage {
  body: string;
  failures: number;
  state: 'ready' | 'delayed' | 'leased' | 'dead' | 'done';
  /** End of delay or lease. */
  untilMs: number;
  /** The delivery that holds it, or held it last and was not followed by another. */
  holder: Delivery | undefined;
}

type Step =
  | { do: 'publish'; count: number; delayMs: number }
  | { do: 'pull'; max: number; leaseMs: number; client: 0 | 1 }
  | { do: 'settle'; which: number; how: 'ack' | 'disrupt' | 'fail' | 'bury' | 'extend'; delayMs: number }
  | { do: 'pass'; ms: number }
  | { do: 'replay' };

const ms = fc.integer({ min: 0, max: 400 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('publish' as const),
    count: fc.integer({ min: 1, max: 3 }),
    delayMs: fc.oneof(fc.constant(0), ms),
  }),
  fc.record({
    do: fc.constant('pull' as const),
    max: fc.integer({ min: 1, max: 3 }),
    leaseMs: fc.integer({ min: 1, max: 400 }),
    client: fc.constantFrom(0 as const, 1 as const),
  }),
  fc.record({
    do: fc.constant('settle' as const),
    which: fc.nat(20),
    how: fc.constantFrom('ack' as const, 'disrupt' as const, 'fail' as const, 'bury' as const, 'extend' as const),
    delayMs: fc.oneof(fc.constant(0), ms),
  }),
  fc.record({ do: fc.constant('pass' as const), ms }),
  fc.constant({ do: 'replay' as const }),
);

/**
 * Random interleavings of two clients against the port's rules written as plainly as possible. Deliveries are kept
 * after their end, so that stale ones are settled too. Leases follow the fixture's clock alone.
 */
export async function queueModel(fixture: QueueFixture, newTopic: () => string): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const topic = newTopic();
      const clients = [fixture.queue, fixture.other];
      const messages: ModelMessage[] = [];
      const deliveries: { delivery: Delivery; message: ModelMessage }[] = [];
      let nowMs = 0;
      let published = 0;

      const wake = () => {
        for (const message of messages) {
          const waits = message.state === 'delayed' || message.state === 'leased';
          if (waits && message.untilMs <= nowMs) message.state = 'ready';
        }
      };

      for (const step of steps) {
        wake();
        switch (step.do) {
          case 'publish': {
            const bodies = Array.from({ length: step.count }, () => String(published++));
            await fixture.queue.publish(
              topic,
              bodies.map((body) => ({ body, delayMs: step.delayMs })),
            );
            for (const body of bodies) {
              messages.push({
                body,
                failures: 0,
                state: step.delayMs > 0 ? 'delayed' : 'ready',
                untilMs: nowMs + step.delayMs,
                holder: undefined,
              });
            }
            break;
          }
          case 'pull': {
            const expected = messages.filter(({ state }) => state === 'ready').slice(0, step.max);
            const pulled = await clients[step.client]!.pull(topic, { max: step.max, leaseMs: step.leaseMs });
            expect(pulled.map(({ body, attempt }) => ({ body, attempt }))).toEqual(
              expected.map(({ body, failures }) => ({ body, attempt: failures + 1 })),
            );
            expected.forEach((message, index) => {
              const delivery = pulled[index]!;
              Object.assign(message, { state: 'leased', untilMs: nowMs + step.leaseMs, holder: delivery });
              deliveries.push({ delivery, message });
            });
            break;
          }
          case 'settle': {
            if (deliveries.length === 0) break;
            const { delivery, message } = deliveries[step.which % deliveries.length]!;
            const holds = message.holder === delivery;
            if (step.how === 'extend') {
              const extends_ = holds && message.state === 'leased';
              expect(await delivery.extend(step.delayMs)).toBe(extends_);
              if (extends_) message.untilMs = nowMs + step.delayMs;
              break;
            }
            const failed = step.how === 'fail' ? { failed: { reason: 'so' } } : {};
            const settled =
              step.how === 'ack'
                ? await delivery.ack()
                : step.how === 'bury'
                  ? await delivery.deadLetter('so')
                  : await delivery.nack({ ...failed, delayMs: step.delayMs });
            expect(settled).toBe(holds);
            if (!holds) break;
            message.holder = undefined;
            if (step.how !== 'disrupt' && step.how !== 'ack') message.failures++;
            if (step.how === 'ack') message.state = 'done';
            else if (step.how === 'bury' || message.failures >= fixture.maxAttempts) {
              message.state = 'dead';
              messages.push(...messages.splice(messages.indexOf(message), 1));
            } else {
              message.state = step.delayMs > 0 ? 'delayed' : 'ready';
              message.untilMs = nowMs + step.delayMs;
            }
            break;
          }
          case 'pass':
            await fixture.pass(step.ms);
            nowMs += step.ms;
            break;
          case 'replay': {
            const dead = messages.filter(({ state }) => state === 'dead');
            const letters = await fixture.queue.deadLetters(topic, { replay: true });
            expect(letters.map(({ body, attempts }) => ({ body, attempts }))).toEqual(
              dead.map(({ body, failures }) => ({ body, attempts: failures })),
            );
            for (const message of dead) {
              messages.splice(messages.indexOf(message), 1);
              messages.push({ ...message, state: 'ready', failures: 0, holder: undefined });
            }
            break;
          }
        }
      }
      wake();
      const count = (state: ModelMessage['state']) => messages.filter((message) => message.state === state).length;
      expect(await fixture.other.stats(topic)).toMatchObject({
        ready: count('ready'),
        delayed: count('delayed'),
        leased: count('leased'),
        dead: count('dead'),
      });
    }),
    { numRuns: 60, seed: 20260101 },
  );
}
