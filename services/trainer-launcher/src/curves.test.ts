import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createCurves } from './curves.js';

describe('the curves of a run', () => {
  test('stay drawable however long the run is, from its first step to its last', () => {
    const curves = createCurves();
    for (let step = 0; step <= 100_000; step++) curves.add('loss', step, 1 / (step + 1));
    const { steps, values } = curves.all()[0]!;
    expect(steps.length).toBeGreaterThan(400);
    expect(steps.length).toBeLessThanOrEqual(1000);
    expect([steps[0], steps.at(-1)]).toEqual([0, 100_000]);
    expect(values).toEqual(steps.map((step) => 1 / (step + 1)));
  });

  test('are drawn anew from where a run goes on, and kept before that', () => {
    const earlier = createCurves();
    for (const step of [1, 2, 3, 4, 5]) earlier.add('loss', step, step);
    const curves = createCurves(earlier.all());
    for (const step of [4, 6]) curves.add('loss', step, 10 * step);
    expect(curves.all()).toEqual([{ name: 'loss', steps: [1, 2, 3, 4, 6], values: [1, 2, 3, 40, 60] }]);
  });

  test('leave out what can’t be drawn, and stay in order whatever a trainer says', () => {
    const anything = fc.record({
      name: fc.constantFrom('a', 'b', 'x'.repeat(201)),
      step: fc.oneof(fc.integer({ min: -3, max: 30 }), fc.constantFrom(2 ** 32, 1.5, NaN)),
      value: fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity)),
    });
    fc.assert(
      fc.property(fc.array(anything), (points) => {
        const curves = createCurves();
        for (const { name, step, value } of points) curves.add(name, step, value);
        for (const { name, steps, values } of curves.all()) {
          expect(name.length).toBe(1);
          expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
          expect(values.every(Number.isFinite)).toBe(true);
          expect(values).toHaveLength(steps.length);
        }
      }),
    );
  });
});
