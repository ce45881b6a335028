import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

const folder = new URL('../../../bench/at-scale/', import.meta.url);

interface Phase {
  name: string;
  seconds: number;
  flowS: number;
  startS: number;
  binds: string;
  resources: { name: string; seconds: number; busy: number }[];
}
interface Outcome {
  totalS: number;
  totalUsd: number;
  usdAClip: number;
  cost: Record<string, number>;
  phases: Phase[];
}
interface Inputs {
  measured: unknown;
  given: Record<string, number | string>;
  prices: Record<string, number>;
}
const { simulate } = (await import(new URL('model.mjs', folder).href)) as {
  simulate: (inputs: Inputs, t4s: number) => Outcome;
};
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Record<string, never>;
const valuesOf = (entries: Record<string, { value: number | string }>) =>
  Object.fromEntries(Object.entries(entries).map(([name, { value }]) => [name, value]));
const standard: Inputs = {
  measured: read('measured.json'),
  given: valuesOf(read('assumptions.json')['assumptions']!),
  prices: valuesOf(read('prices.json')['prices']!) as Record<string, number>,
};

/** Inputs of any size that still make sense. */
const anyInputs = fc
  .record({
    clips: fc.integer({ min: 1, max: 10_000_000 }),
    t4Factor: fc.double({ min: 1, max: 100, noNaN: true }),
    cpuVcpus: fc.integer({ min: 1, max: 10_000 }),
    hosts: fc.integer({ min: 1, max: 1000 }),
    netShareFoley: fc.double({ min: 0, max: 1, noNaN: true }),
    netShareExtract: fc.double({ min: 0, max: 1, noNaN: true }),
    spot: fc.constantFrom(0, 1),
  })
  .map((some) => ({ ...standard, given: { ...standard.given, ...some } }));
const anyT4s = fc.integer({ min: 1, max: 1000 });

describe('The computation of a million clips', () => {
  test('never gives a resource more to do than there is of it, and names one that is wholly busy', () => {
    fc.assert(
      fc.property(anyInputs, anyT4s, (inputs, t4s) => {
        for (const { resources, binds, flowS } of simulate(inputs, t4s).phases) {
          for (const { seconds, busy } of resources) {
            expect(busy).toBeLessThanOrEqual(1);
            expect(busy * flowS).toBeCloseTo(seconds, 3);
          }
          expect(resources.find(({ name }) => name === binds)?.busy).toBe(1);
        }
      }),
    );
  });

  test('adds up: times of phases to the whole time, parts of the cost to the whole cost', () => {
    fc.assert(
      fc.property(anyInputs, anyT4s, (inputs, t4s) => {
        const { phases, totalS, cost, totalUsd, usdAClip } = simulate(inputs, t4s);
        expect(phases.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(totalS, 3);
        expect(Object.values(cost).reduce((sum, usd) => sum + usd, 0)).toBeCloseTo(totalUsd, 3);
        expect(Object.values(cost).every((usd) => usd >= 0)).toBe(true);
        expect(usdAClip * Number(inputs.given['clips'])).toBeCloseTo(totalUsd, 3);
      }),
    );
  });

  test('never takes longer with more T4s, and twice as many clips take twice as long apart from starting', () => {
    fc.assert(
      fc.property(anyInputs, anyT4s, anyT4s, (inputs, one, more) => {
        expect(simulate(inputs, one + more).totalS).toBeLessThanOrEqual(simulate(inputs, one).totalS);
        const twice = { ...inputs, given: { ...inputs.given, clips: 2 * Number(inputs.given['clips']) } };
        const flow = ({ phases }: Outcome) => phases.reduce((sum, { flowS }) => sum + flowS, 0);
        expect(flow(simulate(twice, one)) / flow(simulate(inputs, one))).toBeCloseTo(2, 6);
      }),
    );
  });

  test('with one video site for a source is bound by politeness to it, however many T4s there are', () => {
    const inputs = { ...standard, given: { ...standard.given, hosts: 1 } };
    for (const t4s of [10, 100]) expect(simulate(inputs, t4s).phases[0]?.binds).toBe('politeness to hosts');
  });
});
