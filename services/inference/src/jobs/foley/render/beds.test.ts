import { describe, expect, test } from '@jest/globals';
import { detectClicks } from '../../../testing/detect-clicks.js';
import { detectOnsets } from '../../../testing/detect-onsets.js';
import { joinStatistics } from '../../../testing/join-statistics.js';
import { loopOf } from './beds.js';
import { seededRandom } from './random.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';

const { sin, exp, PI } = Math;

function recording(durationS: number, at: (timeS: number) => number): Float32Array {
  const pcm = new Float32Array(Math.round(durationS * SAMPLE_RATE_HZ) * 2);
  for (let frame = 0; frame < pcm.length / 2; frame++) pcm.fill(at(frame / SAMPLE_RATE_HZ), frame * 2, frame * 2 + 2);
  return pcm;
}

/** A river of 4.05 s, whose end runs into its start. */
function river(): Float32Array {
  const random = seededRandom(3);
  let y = 0;
  const pcm = recording(4.55, () => (y += 0.15 * (random.between(-1, 1) - y)));
  const [length, overlap] = [4.05 * 96_000, 0.5 * 96_000];
  const loop = pcm.slice(0, length);
  for (let i = 0; i < overlap; i++) {
    const angle = ((PI / 2) * i) / overlap;
    loop[i] = pcm[i]! * sin(angle) + pcm[length + i]! * Math.cos(angle);
  }
  return loop;
}

/** Ticks on a beat of 0.5 s over 4 s, each of a different pitch. */
const clock = recording(4, (timeS) => {
  const since = timeS % 0.5;
  const pitch = 1500 + 100 * Math.floor(timeS / 0.5);
  return 0.5 * sin(2 * PI * pitch * since) * exp(-since / 0.02);
});
/** 64 turns a second, as one period or many of them. */
const turn = (timeS: number): number => 0.3 * sin(2 * PI * 64 * timeS) + 0.2 * sin(2 * PI * 192 * timeS + 1);

/** The bed and the seconds of its joins. */
function extended(pcm: Float32Array, durationS: number, seed = 1): { pcm: Float32Array; joinsS: number[] } {
  const joinsS: number[] = [];
  const source = loopOf(pcm, seededRandom(seed), (frame) => joinsS.push(frame / SAMPLE_RATE_HZ));
  return { pcm: source(durationS * SAMPLE_RATE_HZ), joinsS };
}

/** How alike a bed is to itself so many frames later: 1 where it is the same. */
function likeness(pcm: Float32Array, later: number): number {
  let [ab, aa, bb] = [0, 1e-9, 1e-9];
  for (let i = 0; i + 2 * later < pcm.length; i += 6) {
    ab += pcm[i]! * pcm[i + 2 * later]!;
    aa += pcm[i]! ** 2;
    bb += pcm[i + 2 * later]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

describe('a recording of four seconds, played on and on', () => {
  const pcm = river();

  test('is no loop: it does not come back after its own length', () => {
    expect(likeness(extended(pcm, 30).pcm, pcm.length / 2)).toBeLessThan(0.5);
  });

  test('is joined where nobody can tell, at an even level and without a click', () => {
    const bed = extended(pcm, 60);
    expect(bed.joinsS.length).toBeGreaterThan(20);
    const { energyStep, flux } = joinStatistics(bed.pcm, bed.joinsS);
    for (const { standsOut, standardError } of [energyStep, flux])
      expect(standsOut).toBeLessThan(0.5 + 3 * standardError);
    expect(detectClicks(bed.pcm.subarray(0, 20 * 96_000))).toEqual([]);
  });

  test('is the same for one seed, in blocks of any size, and another for another', () => {
    const whole = extended(pcm, 8).pcm;
    const source = loopOf(pcm, seededRandom(1));
    const parts = Float32Array.from([1, 4799, 95_200, 284_000].flatMap((frames) => [...source(frames)]));
    expect(parts).toEqual(whole);
    expect(extended(pcm, 8, 2).pcm).not.toEqual(whole);
  });

  test('goes to another place at each join', () => {
    const seen = new Set(Array.from({ length: 6 }, (_, seed) => extended(pcm, 4, seed).joinsS.join()));
    expect(seen.size).toBe(6);
  });
});

describe('a rhythm', () => {
  test('keeps its beat over every join', () => {
    const bed = extended(clock, 40);
    expect(bed.joinsS.length).toBeGreaterThan(5);
    const ticks = detectOnsets(bed.pcm, SAMPLE_RATE_HZ);
    expect(ticks.length).toBeGreaterThan(70);
    for (let i = 1; i < ticks.length; i++) {
      const beats = (ticks[i]! - ticks[i - 1]!) / 0.5;
      expect(Math.abs(beats - Math.round(beats))).toBeLessThan(0.05);
    }
  });
});

describe('a turning engine', () => {
  test('turns on evenly through every join', () => {
    const bed = extended(recording(4, turn), 30);
    const levels = Array.from({ length: 290 }, (_, i) => {
      let sum = 0;
      for (let at = i * 9600; at < i * 9600 + 9600; at++) sum += bed.pcm[at]! ** 2;
      return 10 * Math.log10(sum);
    });
    expect(Math.max(...levels) - Math.min(...levels)).toBeLessThan(0.5);
    expect(detectClicks(bed.pcm.subarray(0, 10 * 96_000))).toEqual([]);
  });

  test('of less than two seconds repeats as it is', () => {
    const pcm = recording(1, turn);
    const bed = extended(pcm, 5);
    expect(bed.joinsS).toEqual([]);
    expect(likeness(bed.pcm, SAMPLE_RATE_HZ)).toBeCloseTo(1, 5);
  });
});

test('a recording of no length is refused', () => {
  expect(() => loopOf(new Float32Array(0), seededRandom(1))).toThrow(RangeError);
});
