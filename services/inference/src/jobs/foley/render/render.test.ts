import { describe, expect, test } from '@jest/globals';
import { longTest } from '@soundstage/core/contract-tests';
import { detectClicks } from '../../../testing/detect-clicks.js';
import { loopOf } from './beds.js';
import { strike } from '../synth/modal.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';
import type { Recording } from '../palette/palette.js';
import { seededRandom } from './random.js';
import { BLOCK_FRAMES, render } from './render.js';
import type { Bed, Hit, SoundPlan } from './sound.js';

/** Silence for 10 ms, then a step that dies away: its onset is at frame 480, to the sample. */
function click(name: string): Recording {
  const pcm = new Float32Array(9600 * 2);
  for (let frame = 480; frame < 9600; frame++) pcm.fill(Math.exp(-(frame - 480) / 1000), frame * 2, frame * 2 + 2);
  return { name, licence: 'CC0-1.0', pcm, onsetFrame: 480 };
}

function plan(hits: Hit[], durationS = 2): SoundPlan {
  return { durationS, hits, beds: [] };
}

function whole(blocks: Iterable<Float32Array>): Float32Array {
  const parts = [...blocks];
  const pcm = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (pcm.set(part, at), at + part.length), 0);
  return pcm;
}

function firstLoudFrame(pcm: Float32Array, from = 0): number {
  for (let frame = from; frame < pcm.length / 2; frame++) if (Math.abs(pcm[frame * 2]!) > 0.1) return frame;
  return -1;
}

const hit = (timeS: number, over: Partial<Hit> = {}): Hit => ({
  timeS,
  sound: () => click('a'),
  gain: 1,
  rate: 1,
  side: 0,
  ...over,
});

describe('rendering', () => {
  test.each([0, 0.0001, 0.0999999, 0.1, 0.123456, 1.5])(
    'the attack of a recording falls on its onset at %f s, to the sample',
    (timeS) => {
      const pcm = whole(render(plan([hit(timeS)])));
      expect(Math.abs(firstLoudFrame(pcm) - timeS * SAMPLE_RATE_HZ)).toBeLessThanOrEqual(1);
    },
  );

  test.each([0.95, 1.05])('a recording that is played at speed %f still attacks on its onset', (rate) => {
    const pcm = whole(render(plan([hit(0.7, { rate })])));
    expect(Math.abs(firstLoudFrame(pcm) - 0.7 * SAMPLE_RATE_HZ)).toBeLessThanOrEqual(2);
  });

  test('a soundtrack is as long as its picture, to the frame, whatever rings at the end', () => {
    for (const durationS of [0.05, 1, 1.23456]) {
      const frames = whole(render(plan([hit(0), hit(durationS - 0.01)], durationS))).length / 2;
      expect(frames).toBe(Math.round(durationS * SAMPLE_RATE_HZ));
    }
  });

  test('a clip that ends while something rings ends in silence, not in a click', () => {
    const pcm = whole(render(plan([hit(0.99)], 1)));
    expect(Math.abs(pcm.at(-1)!)).toBeLessThan(0.01);
  });

  longTest('the memory for a long clip is that of one block', () => {
    let longest = 0;
    let frames = 0;
    for (const block of render(plan([hit(1), hit(600)], 1200))) {
      longest = Math.max(longest, block.length / 2);
      frames += block.length / 2;
    }
    expect(longest).toBe(BLOCK_FRAMES);
    expect(frames).toBe(1200 * SAMPLE_RATE_HZ);
  });

  test('what moves on the right sounds a little more on the right, never on one side alone', () => {
    const pcm = whole(render(plan([hit(0.5, { side: 1 })])));
    const [left, right] = [pcm[firstLoudFrame(pcm) * 2]!, pcm[firstLoudFrame(pcm) * 2 + 1]!];
    expect(right).toBeGreaterThan(left);
    expect(20 * Math.log10(right / left)).toBeLessThan(6.1);
  });
});

/** One sample after the other of a place, over its own peak: what is left when loudness is taken away. */
function levelled(pcm: Float32Array, timeS: number, frames: number): Float32Array {
  const part = pcm.slice(Math.round(timeS * SAMPLE_RATE_HZ) * 2, (Math.round(timeS * SAMPLE_RATE_HZ) + frames) * 2);
  const peak = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return part.map((x) => x / peak);
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}

describe('hits', () => {
  test('no two are the same, even of one recording at one level and speed', () => {
    const times = Array.from({ length: 30 }, (_, i) => 0.1 + i * 0.25);
    const random = seededRandom(3);
    const knock: Recording = {
      ...click('a'),
      pcm: Float32Array.from({ length: 9600 }, () => random.between(-0.5, 0.5)),
    };
    const pcm = whole(
      render(
        plan(
          times.map((timeS) => hit(timeS, { sound: () => knock })),
          8,
        ),
      ),
    );
    const parts = times.map((timeS) => levelled(pcm, timeS, 3000));
    const differences = parts.flatMap((a, i) => parts.slice(i + 1).map((b) => largestDifference(a, b)));
    expect(Math.min(...differences)).toBeGreaterThan(1e-5);
    // The difference is a tint, not another sound.
    expect(Math.max(...differences)).toBeLessThan(0.3);
  });

  test('a hit sounds the same whatever others there are', () => {
    const alone = whole(render(plan([hit(1)])));
    const among = whole(render(plan([hit(0.2), hit(1)])));
    expect(levelled(alone, 0.9, 6000)).toEqual(levelled(among, 0.9, 6000));
  });

  test('are made when they are heard, and dropped when they have ended', () => {
    let made = 0;
    const hits = Array.from({ length: 200 }, (_, i) =>
      hit(i * 0.5, {
        sound: () => {
          made++;
          return click('a');
        },
      }),
    );
    const blocks = render(plan(hits, 100));
    for (let i = 0; i < 100; i++) blocks.next(); // 10 s
    expect(made).toBeGreaterThanOrEqual(20);
    expect(made).toBeLessThanOrEqual(22);
    expect([...blocks].length).toBe(900);
    expect(made).toBe(200);
  });

  test('what would begin before the film comes in without a click', () => {
    const swell = new Float32Array(48_000 * 2);
    for (let i = 0; i < swell.length / 2; i++) swell.fill(0.5 * Math.cos(i / 20), i * 2, i * 2 + 2);
    const sound = (): Recording => ({ name: 'swell', licence: 'CC0-1.0', pcm: swell, onsetFrame: 9600 });
    const pcm = whole(render(plan([hit(0.1, { sound })])));
    expect(Math.abs(pcm[0]!)).toBeLessThan(0.01);
    for (let i = 2; i < 400; i += 2) expect(Math.abs(pcm[i]! - pcm[i - 2]!)).toBeLessThan(0.05);
    expect(Math.abs(pcm[2 * 200]!)).toBeGreaterThan(0.1);
  });

  test('a lead that is longer than can be waited for is faded in as well', () => {
    const tone = new Float32Array(96_000 * 2);
    for (let i = 0; i < tone.length / 2; i++) tone.fill(0.5 * Math.sin(i / 20 + 1), i * 2, i * 2 + 2);
    const sound = (): Recording => ({ name: 'tone', licence: 'CC0-1.0', pcm: tone, onsetFrame: 48_000 });
    const pcm = whole(render(plan([hit(2, { sound })], 3)));
    const first = pcm.findIndex((x) => x !== 0) / 2;
    expect(Math.abs(first - 72_000)).toBeLessThan(3);
    expect(detectClicks(pcm.subarray(0, 2 * 120_000))).toEqual([]);
  });

  test('a film of synthesised blows is the same each time it is rendered', () => {
    const bar = { bodies: [{ material: 'metal', form: 'bar', fundamentalHz: [900, 900] }] } as const;
    const hits = [0.2, 0.4, 0.6].map((timeS) =>
      hit(timeS, { sound: () => strike(bar, { strength: 0.5, random: seededRandom(timeS * 10) }) }),
    );
    expect(whole(render(plan(hits)))).toEqual(whole(render(plan(hits))));
  });
});

describe('beds', () => {
  function hiss(seed: number, over: Partial<Bed> = {}): Bed {
    const source = (): ((frames: number) => Float32Array) => {
      const random = seededRandom(seed);
      return (frames) => Float32Array.from({ length: frames * 2 }, () => random.between(-0.3, 0.3));
    };
    return { levels: new Float32Array(600).fill(1), levelRateHz: 50, source, ...over };
  }
  function rms(pcm: Float32Array, fromS: number, toS: number, side = 0): number {
    let sum = 0;
    const [first, last] = [Math.round(fromS * SAMPLE_RATE_HZ), Math.round(toS * SAMPLE_RATE_HZ)];
    for (let frame = first; frame < last; frame++) sum += pcm[frame * 2 + side]! ** 2;
    return Math.sqrt(sum / (last - first));
  }
  const heard = (beds: Bed[], durationS = 4): Float32Array => whole(render({ durationS, hits: [], beds }));

  test('are heard where they belong, and come and go in 0.3 s', () => {
    const pcm = heard([hiss(1, { startS: 1, endS: 3 })]);
    expect(rms(pcm, 0, 0.85)).toBe(0);
    expect(rms(pcm, 3.15, 4)).toBe(0);
    const full = rms(pcm, 1.2, 2.8);
    expect(full).toBeCloseTo(0.3 / Math.sqrt(3), 2);
    expect(rms(pcm, 0.98, 1.02) / full).toBeCloseTo(Math.SQRT1_2, 1);
    expect(detectClicks(pcm)).toEqual([]);
  });

  test('two that change places keep an even power', () => {
    const pcm = heard([hiss(1, { endS: 2 }), hiss(2, { startS: 2 })]);
    const full = rms(pcm, 0.5, 1.5);
    for (let at = 1.7; at < 2.3; at += 0.05)
      expect(Math.abs(20 * Math.log10(rms(pcm, at, at + 0.05) / full))).toBeLessThan(0.6);
  });

  test('follow their levels, from where these begin', () => {
    const levels = Float32Array.from({ length: 51 }, (_, i) => i / 50);
    const pcm = heard([hiss(1, { levels, levelsFromS: 1 })]);
    expect(rms(pcm, 0.2, 0.9)).toBe(0);
    expect(rms(pcm, 1.45, 1.55) / rms(pcm, 2.5, 3.5)).toBeCloseTo(0.5, 1);
  });

  test('lean to a side, and stay wide', () => {
    const [plain, leaning] = [heard([hiss(1)]), heard([hiss(1, { pan: 1, gainDb: -6 })])];
    const by = (side: number): number => 20 * Math.log10(rms(leaning, 1, 3, side) / rms(plain, 1, 3, side));
    expect(by(1)).toBeGreaterThan(by(0) + 3);
    expect(by(0)).toBeGreaterThan(-20);
    expect((by(0) + by(1)) / 2).toBeLessThan(-5);
  });
});

test('a loop repeats its recording without a gap, from a place that the seed takes', () => {
  const pcm = Float32Array.from({ length: 1000 * 2 }, (_, i) => Math.floor(i / 2));
  const source = loopOf(pcm, seededRandom(4));
  const heard = [source(700), source(1), source(2500)].flatMap((block) => [...block]);
  const first = heard[0]!;
  expect(heard).toHaveLength(3201 * 2);
  expect(heard.every((x, i) => x === (first + Math.floor(i / 2)) % 1000)).toBe(true);
  expect(loopOf(pcm, seededRandom(5))(1)[0]).not.toBe(first);
});
