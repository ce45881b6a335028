import { describe, expect, test } from '@jest/globals';
import { loopOf } from './beds.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';
import type { Recording } from './palette.js';
import { seededRandom } from './random.js';
import { BLOCK_FRAMES, render } from './render.js';
import type { Hit, SoundPlan } from './sound.js';

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

  test('the memory for a long clip is that of one block', () => {
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

test('a loop repeats its recording without a gap, from a place that the seed takes', () => {
  const pcm = Float32Array.from({ length: 1000 * 2 }, (_, i) => Math.floor(i / 2));
  const source = loopOf(pcm, seededRandom(4));
  const heard = [source(700), source(1), source(2500)].flatMap((block) => [...block]);
  const first = heard[0]!;
  expect(heard).toHaveLength(3201 * 2);
  expect(heard.every((x, i) => x === (first + Math.floor(i / 2)) % 1000)).toBe(true);
  expect(loopOf(pcm, seededRandom(5))(1)[0]).not.toBe(first);
});
