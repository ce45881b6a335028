import { describe, expect, test } from '@jest/globals';
import { detectClicks } from '../../../testing/detect-clicks.js';
import { detectOnsets } from '../../../testing/detect-onsets.js';
import { noiseOf, type NoiseShape } from './noise.js';
import { seededRandom } from '../render/random.js';
import { SAMPLE_RATE_HZ } from '../render/sample-rate.js';

const hiss: NoiseShape = { bands: [{ lowHz: 500, highHz: 4000, gainDb: -20, modulationHz: 0, modulationDepth: 0 }] };
const gusts: NoiseShape = {
  bands: [
    { lowHz: 80, highHz: 400, gainDb: -6, modulationHz: 0.5, modulationDepth: 0.8, together: 'gust' },
    { lowHz: 1500, highHz: 4000, gainDb: -12, modulationHz: 0.5, modulationDepth: 0.8, together: 'gust', glide: 0.5 },
  ],
};
const sea: NoiseShape = {
  bands: [{ lowHz: 100, highHz: 5000, gainDb: -6, modulationHz: 0, modulationDepth: 0.9, waveS: 4 }],
};
const rain: NoiseShape = {
  ...hiss,
  grains: [
    { of: 'tick', ratePerS: 200, hz: [2000, 9000], gainDb: [-20, 4], decayMs: 1.5 },
    { of: 'bubble', ratePerS: 20, hz: [500, 3000], gainDb: [-20, -6] },
  ],
};
const fire: NoiseShape = {
  ...gusts,
  crackle: { ratePerS: 9, lowHz: 1200, highHz: 9000, gainDb: -4, decayMs: 12 },
};
const all = Object.entries({ hiss, gusts, sea, rain, fire });

function heard(shape: NoiseShape, durationS: number, seed = 1): Float32Array {
  return noiseOf(shape, seededRandom(seed))(durationS * SAMPLE_RATE_HZ);
}

function rmsDb(pcm: Float32Array): number {
  let sum = 0;
  for (const x of pcm) sum += x * x;
  return 10 * Math.log10(sum / pcm.length + 1e-12);
}

/** Levels of one second after the other. */
function secondsOf(pcm: Float32Array): number[] {
  const length = 2 * SAMPLE_RATE_HZ;
  return Array.from({ length: Math.floor(pcm.length / length) }, (_, i) =>
    rmsDb(pcm.subarray(i * length, (i + 1) * length)),
  );
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((x, y) => x + y) / values.length;
  const covariance = (x: readonly number[], y: readonly number[]): number =>
    mean(x.map((value, i) => (value - mean(x)) * (y[i]! - mean(y))));
  return covariance(a, b) / Math.sqrt(covariance(a, a) * covariance(b, b));
}

describe.each(all)('the noise of %s', (_, shape) => {
  test('is the same from the same seed, however it is asked for, and another from another', () => {
    const whole = heard(shape, 1);
    const source = noiseOf(shape, seededRandom(1));
    const parts = [1, 4799, 7, 20_000, 23_193].flatMap((frames) => [...source(frames)]);
    expect(Float32Array.from(parts)).toEqual(whole);
    expect(heard(shape, 1, 2)).not.toEqual(whole);
  });

  test('never repeats itself', () => {
    const pcm = heard(shape, 6);
    const length = 4800;
    const piece = pcm.subarray(0, length);
    for (let at = length; at + length < pcm.length; at += 4800) {
      let same = 0;
      for (let i = 0; i < length; i++) if (piece[i] === pcm[at + i]) same++;
      expect(same).toBeLessThan(length / 100);
    }
  });

  test('is wide, and as loud on one side as on the other', () => {
    const pcm = heard(shape, 8);
    const [left, right] = [0, 1].map((side) => pcm.filter((__, i) => i % 2 === side));
    expect(Math.abs(rmsDb(left!) - rmsDb(right!))).toBeLessThan(1.5);
    expect(rmsDb(left!.map((x, i) => x - right![i]!))).toBeGreaterThan(rmsDb(left!) - 12);
  });
});

test('a band is as loud as it says', () => {
  expect(Math.abs(rmsDb(heard(hiss, 4)) + 20)).toBeLessThan(2);
});

test('what should be even is even, and has neither clicks nor beginnings', () => {
  const pcm = heard(hiss, 6);
  const levels = secondsOf(pcm);
  expect(Math.max(...levels) - Math.min(...levels)).toBeLessThan(1);
  expect(detectClicks(pcm)).toEqual([]);
});

test('gusts rise and fall, all bands of one name at once', () => {
  const levels = secondsOf(heard(gusts, 30));
  expect(Math.max(...levels) - Math.min(...levels)).toBeGreaterThan(5);
  const [low, high] = gusts.bands;
  const alikeness = (together: { together?: string }): number => {
    const apart = [low!, { ...high!, glide: 0 }].map(({ together: _, ...band }) => ({ ...band, ...together }));
    const heardAlone = (loud: number): number[] =>
      secondsOf(heard({ bands: apart.map((band, i) => (i === loud ? band : { ...band, gainDb: -80 })) }, 30, 3));
    return correlation(heardAlone(0), heardAlone(1));
  };
  expect(alikeness({ together: 'gust' })).toBeGreaterThan(0.9);
  expect(alikeness({})).toBeLessThan(0.6);
});

test('waves come again and again, about as often as it says', () => {
  const levels = secondsOf(heard(sea, 60));
  const middle = levels.toSorted((a, b) => a - b)[30]!;
  expect(Math.max(...levels) - Math.min(...levels)).toBeGreaterThan(8);
  let rises = 0;
  for (let i = 1; i < levels.length; i++) if (levels[i - 1]! < middle && levels[i]! >= middle) rises++;
  expect(rises).toBeGreaterThan(9);
  expect(rises).toBeLessThan(25);
});

test('single drops fall one by one', () => {
  const drops: NoiseShape = {
    bands: [],
    grains: [{ of: 'ring', ratePerS: 2, hz: [800, 2000], gainDb: [-6, -6], decayMs: 20 }],
  };
  const onsets = detectOnsets(heard(drops, 30), SAMPLE_RATE_HZ);
  expect(onsets.length).toBeGreaterThan(35);
  expect(onsets.length).toBeLessThan(80);
  const gaps = onsets.slice(1).map((timeS, i) => timeS - onsets[i]!);
  expect(Math.max(...gaps) / Math.min(...gaps)).toBeGreaterThan(3); // by chance, not by a clock
});
