import { expect, test } from '@jest/globals';
import { confidenceOf, peakOf } from './curve.js';

// The numbers are those of the recipe, which fits the confidence on them: soundstage_trainer/sync/{measures,confidence}.py.

test('a peak stands between the lags, and is held against what is not near it, as in training', () => {
  const curve = Float64Array.from(
    { length: 201 },
    (_, lag) => Math.sin(lag * 0.37) + 2 * Math.exp(-0.5 * ((lag - 123.4) / 4) ** 2),
  );
  const { lag, score, margin } = peakOf(curve);
  expect(lag).toBeCloseTo(23.248778, 5);
  expect(score).toBeCloseTo(2.989097, 5);
  expect(margin).toBeCloseTo(1.989222, 5);
});

test('confidence is that of the line that was fitted in training', () => {
  const line = { bias: -0.2, margin: 0.7, score: -0.01, seconds: -0.6 };
  expect(confidenceOf({ lag: 0, margin: 6, score: 20 }, 5, line)).toBeCloseTo(0.650944, 5);
  expect(confidenceOf({ lag: 0, margin: 1.5, score: 9 }, 2, line)).toBeCloseTo(0.515728, 5);
  expect(confidenceOf({ lag: 0, margin: 6, score: 20 }, 0, line)).toBe(0);
});
