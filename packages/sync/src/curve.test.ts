import { expect, test } from '@jest/globals';
import { confidenceOf, peakOf } from './curve.js';
import { mostNear, sumOf, type Row } from './rows.js';

// The numbers are those of the recipe, which fits the confidence on them: soundstage_trainer/sync/{measures,confidence}.py.

test('a peak stands between the lags, and is held against what is not near it, as in training', () => {
  const curve = Float64Array.from(
    { length: 201 },
    (_, lag) => Math.sin(lag * 0.37) + 2 * Math.exp(-0.5 * ((lag - 123.4) / 4) ** 2),
  );
  const { lag, score, margin, flank } = peakOf(curve);
  expect(lag).toBeCloseTo(23.248778, 5);
  expect(score).toBeCloseTo(2.989097, 5);
  expect(margin).toBeCloseTo(1.989222, 5);
  expect(flank).toBeCloseTo(3.23477, 5);
});

test('confidence is that of the line that was fitted in training', () => {
  const line = { bias: -0.2, margin: 0.7, flank: 0.4, share: 3, seconds: -0.6 };
  const peak = { lag: 0, score: 20, margin: 6, flank: 4 };
  expect(confidenceOf(peak, 0.5, 5, line)).toBeCloseTo(0.949222, 5);
  expect(confidenceOf({ ...peak, margin: 1.5, flank: 1 }, 0.2, 2, line)).toBeCloseTo(0.732906, 5);
  expect(confidenceOf(peak, 0.5, 0, line)).toBe(0);
});

test('what rows could have at most is looked for near the offset, and moves with a drift, as in training', () => {
  const rows = Array.from({ length: 4 }, (_, at): Row => {
    const scores = new Float32Array(201);
    for (let n = 10 * at; n < 10 * at + 10; n++)
      for (let lag = 0; lag < 201; lag++)
        scores[lag]! += (Math.sin(lag * 0.37 + n * 0.2) + 2 * Math.exp(-0.5 * ((lag - 123.4) / 4) ** 2)) / 10;
    return { at, scores, frames: 10 };
  });
  const { score } = peakOf(sumOf(rows, 201));
  expect(score).toBeCloseTo(8.532354, 4);
  expect(score / mostNear(rows, { lag: 123, near: 100, moveBy: () => 0 })).toBeCloseTo(0.939112, 5);
  const lone = { at: 0, scores: Float32Array.from({ length: 201 }, (_, lag) => (lag === 150 ? 7 : 0)), frames: 10 };
  const most = (moved: number) => mostNear([lone], { lag: 120, near: 10, moveBy: () => moved });
  expect([0, 19, 20, 40, 41].map(most)).toEqual([0, 0, 7, 7, 0]);
});
