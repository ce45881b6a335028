import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readModalShape, strike, type ModalShape } from './modal.js';
import type { Recording } from '../palette/palette.js';
import { seededRandom } from '../render/random.js';
import { SAMPLE_RATE_HZ } from '../render/sample-rate.js';

const glass: ModalShape = {
  contactMs: 0.12,
  clickDb: -10,
  bodies: [{ material: 'glass', form: 'bowl', fundamentalHz: [1800, 1800], split: 0.004 }],
};
const table: ModalShape = {
  contactMs: 1.1,
  bodies: [{ material: 'wood', fundamentalHz: [150, 150] }],
  bursts: [{ lowHz: 300, highHz: 3500, gainDb: -12, decayMs: 8 }],
};
const gravel: ModalShape = {
  bursts: [{ lowHz: 900, highHz: 7000, gainDb: -12, decayMs: 30, attackMs: 5 }],
  grains: [{ of: 'noise', count: [40, 60], overS: 0.2, hz: [1300, 6500], gainDb: [-14, 0] }],
};
const splash: ModalShape = {
  grains: [{ of: 'bubble', count: [5, 9], overS: 0.2, hz: [500, 2000], gainDb: [-12, 0] }],
};
const again: ModalShape = { ...table, again: { times: [2, 2], gapMs: [80, 80], gapRatio: 0.5, gainDb: -6 } };

/** All that the palette has, and the ones above. */
const { classes } = JSON.parse(readFileSync('services/inference/palette/classes.json', 'utf8')) as {
  classes: { id: string; modal?: unknown }[];
};
const shapes: [string, ModalShape][] = [
  ...Object.entries({ glass, table, gravel, splash, again }),
  ...classes
    .filter(({ modal }) => modal !== undefined)
    .map(({ id, modal }): [string, ModalShape] => [`${id} of the palette`, readModalShape(modal, id)]),
];

function struck(shape: ModalShape, strength = 0.6, seed = 1): Recording {
  return strike(shape, { strength, random: seededRandom(seed) });
}

function peakOf(pcm: Float32Array): number {
  let peak = 0;
  for (const x of pcm) peak = x > peak ? x : -x > peak ? -x : peak;
  return peak;
}

/** Share of the first differences in a sound: grows with its brightness. */
function brightness({ pcm }: Recording): number {
  let [slopes, power] = [0, 0];
  for (let i = 2; i < pcm.length; i++) {
    slopes += (pcm[i]! - pcm[i - 2]!) ** 2;
    power += pcm[i]! ** 2;
  }
  return Math.sqrt(slopes / power);
}

/** The level of one frequency from a frame on (Goertzel), 30 ms long. */
function levelAt({ pcm }: Recording, hz: number, fromS: number): number {
  const length = Math.round(0.03 * SAMPLE_RATE_HZ);
  const from = Math.round(fromS * SAMPLE_RATE_HZ);
  let [re, im] = [0, 0];
  for (let i = 0; i < length; i++) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length);
    const x = (pcm[(from + i) * 2] ?? 0) * window;
    re += x * Math.cos((2 * Math.PI * hz * i) / SAMPLE_RATE_HZ);
    im += x * Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE_HZ);
  }
  return Math.hypot(re, im);
}

describe.each(shapes)('striking %s', (_, shape) => {
  test('attacks within a millisecond of its onset, from silence', () => {
    for (const strength of [0.1, 0.6, 1]) {
      const { pcm, onsetFrame } = struck(shape, strength);
      const loud = 0.1 * peakOf(pcm);
      const first = pcm.findIndex((x) => x >= loud || x <= -loud) / 2;
      expect(Math.abs(first - onsetFrame)).toBeLessThanOrEqual(SAMPLE_RATE_HZ / 1000);
      expect(Math.abs(pcm[0]!) + Math.abs(pcm[1]!)).toBeLessThan(1e-4);
    }
  });

  test('peaks where the recordings do, has no direct current and ends in silence', () => {
    const { pcm } = struck(shape);
    expect(20 * Math.log10(peakOf(pcm))).toBeCloseTo(-1, 3);
    expect(Math.abs(pcm.reduce((a, b) => a + b, 0) / pcm.length)).toBeLessThan(2e-3);
    const end = pcm.subarray(-96);
    expect(peakOf(end)).toBeLessThan(1e-3);
    for (let i = 2; i < end.length; i++) expect(Math.abs(end[i]! - end[i - 2]!)).toBeLessThan(1e-3);
  });

  test('sounds different at each blow, and the same with the same chance', () => {
    expect(struck(shape, 0.6, 5).pcm).toEqual(struck(shape, 0.6, 5).pcm);
    const [one, other] = [struck(shape, 0.6, 5).pcm, struck(shape, 0.6, 6).pcm];
    const length = Math.min(one.length, other.length);
    let [differs, power] = [0, 0];
    for (let i = 0; i < length; i++) {
      differs += (one[i]! - other[i]!) ** 2;
      power += one[i]! ** 2;
    }
    expect(differs / power).toBeGreaterThan(0.01);
  });

  test('is brighter when struck harder', () => {
    const at = (strength: number): number => {
      const blows = Array.from({ length: 8 }, (__, seed) => brightness(struck(shape, strength, seed)));
      return blows.reduce((a, b) => a + b) / blows.length;
    };
    if (shape.grains?.every(({ of }) => of === 'bubble') && shape.bursts === undefined) return;
    expect(at(1)).toBeGreaterThan(at(0.25));
  });
});

describe('the modes of a thing', () => {
  test('lie where its form has them and stay there from blow to blow', () => {
    for (const seed of [1, 2, 3]) {
      const sound = struck(glass, 0.6, seed);
      const there = Math.max(...[1785, 1800, 1815].map((hz) => levelAt(sound, hz, 0.05)));
      expect(there).toBeGreaterThan(20 * levelAt(sound, 1300, 0.05));
      expect(there).toBeGreaterThan(20 * levelAt(sound, 3300, 0.05));
    }
  });

  test.each([
    ['metal', 0.84],
    ['glass', 0.62],
    ['wood', 0.053],
  ] as const)('of %s ring as long as the material lets them', (material, leftAfter40Ms) => {
    const sound = struck({ bodies: [{ material, ratios: [1], fundamentalHz: [800, 800] }] });
    const left = levelAt(sound, 800, 0.05) / levelAt(sound, 800, 0.01);
    expect(left).toBeGreaterThan(leftAfter40Ms * 0.7);
    expect(left).toBeLessThan(leftAfter40Ms * 1.4);
  });

  test('are of one size for a thing, and of another for another thing', () => {
    const shape: ModalShape = { bodies: [{ material: 'metal', ratios: [1], fundamentalHz: [500, 2000] }] };
    const crossings = (blow: number, thing: number): number => {
      const { pcm } = strike(shape, { strength: 0.5, random: seededRandom(blow), thing: seededRandom(thing) });
      let count = 0;
      for (let i = 200; i < 9800; i += 2) if (pcm[i]! < 0 !== pcm[i + 2]! < 0) count++;
      return count;
    };
    expect(Math.abs(crossings(1, 7) - crossings(2, 7))).toBeLessThan(0.01 * crossings(1, 7) + 2);
    expect(Math.abs(crossings(1, 7) - crossings(1, 8))).toBeGreaterThan(20);
  });
});

test('a blow that bounces is heard again, softer', () => {
  const { pcm, onsetFrame } = struck(again);
  const around = (s: number): number => {
    const at = (onsetFrame + Math.round(s * SAMPLE_RATE_HZ)) * 2;
    return peakOf(pcm.subarray(at, at + 2 * 480));
  };
  expect(peakOf(pcm.subarray((onsetFrame + 3000) * 2, (onsetFrame + 4700) * 2))).toBeGreaterThan(0.15);
  expect(around(0)).toBeGreaterThan(peakOf(pcm.subarray((onsetFrame + 3000) * 2)));
});

describe('reading a shape', () => {
  test.each<[unknown, RegExp]>([
    [undefined, /modal must be an object/],
    [{}, /names nothing that sounds/],
    [{ bodies: [] }, /names nothing that sounds/],
    [{ bodys: [] }, /modal\.bodys is not known/],
    [{ bodies: [{ material: 'jelly', fundamentalHz: [1, 2] }] }, /bodies\[0\]\.material must be one of glass/],
    [{ bodies: [{ material: 'wood', fundamentalHz: [300, 200] }] }, /fundamentalHz must have the lower number first/],
    [{ bodies: [{ material: 'wood', fundamentalHz: [NaN, 200] }] }, /fundamentalHz must be a number/],
    [{ bodies: [{ material: 'wood', fundamentalHz: [100, 200], ratios: [1], form: 'bar' }] }, /ratios/],
    [{ bursts: [{ lowHz: 100, highHz: 1000, gainDb: 0 }] }, /bursts\[0\]\.decayMs must be a number/],
    [{ grains: [{ of: 'ring', count: [1, 2], overS: 1, hz: [100, 200], gainDb: [0, 0] }] }, /grains\[0\]\.material/],
    [{ clickDb: 0, bursts: [{ lowHz: 100, highHz: 1000, gainDb: 0, decayMs: 5 }] }, /clickDb needs contactMs/],
  ])('%j is refused by the name of what is wrong', (value, message) => {
    expect(() => readModalShape(value, 'class x')).toThrow(message);
    expect(() => readModalShape(value, 'class x')).toThrow(/class x/);
  });

  test('what is right is taken as it is', () => {
    for (const [, shape] of shapes) expect(readModalShape(JSON.parse(JSON.stringify(shape)), 'x')).toEqual(shape);
  });
});
