import { biquad, filter } from '../synth/filter.js';
import type { Random } from './random.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';

/** Where else a recording sounds as it does at a place. */
export interface LoopFeatures {
  /** It has a beat: only places that keep it are alike. */
  rhythmic: boolean;
  /** Of a stretch, over the whole recording's. */
  levelDb(frame: number, frames: number): number;
  /**
   * Another place that sounds like `frame` and what follows it, aligned to it to the sample, or undefined where there is
   * none. frames: how long both will sound together; avoid: places that were heard just now; refused: how often none was
   * found before, which makes it less choosy about the beat. correlation: of the two, −0.3 to 1.
   */
  placeLike(
    frame: number,
    frames: number,
    avoid: readonly number[],
    random: Random,
    refused: number,
  ): { frame: number; correlation: number } | undefined;
}

const STEP_FRAMES = 480; // 10 ms
/** Edges between the bands whose levels are compared. */
const LOW_HZ = 300;
const HIGH_HZ = 2500;
/** A beat is looked for in this much of what follows. */
const CONTEXT_STEPS = 150;
/** Autocorrelation of the levels from which a recording counts as rhythmic, and what a join must reach then. */
const RHYTHM = 0.35;
const SAME_BEAT = 0.75;
const MOVES = 0.3;
/** Levels that lie further apart than this, in dB, are heard as a step. */
const MOST_DISTANCE_DB = 3;
/** A place this near to another one is the same place. */
const SAME_PLACE_S = 0.35;
/** How many of the places that are most alike chance chooses from, and how many of these are compared wave by wave. */
const CHOICE = 9;
const COMPARED = 3;
/** A join where two tones fit this well is preferred. */
const TONAL = 0.3;
const ALIGN_FRAMES = 600; // 12.5 ms: one period of 80 Hz
const DECIMATION = 8;
/** Both sides of a join are compared over this at most. */
const LONGEST_FADE_FRAMES = 0.5 * SAMPLE_RATE_HZ;

/** Examines a recording whose end runs into its start. pcm: interleaved stereo at 48 kHz. */
export function examineLoop(pcm: Float32Array): LoopFeatures {
  const length = pcm.length / 2;
  const middle = new Float32Array(length);
  for (let i = 0; i < length; i++) middle[i] = (pcm[i * 2]! + pcm[i * 2 + 1]!) / 2;
  const steps = Math.floor(length / STEP_FRAMES);
  const bands = bandLevels(middle, steps);
  const powers = powerOf(middle, steps);
  const meanPower = powers.reduce((a, b) => a + b, 0) / steps + 1e-12;
  const coarse = ringOf(decimated(middle), LONGEST_FADE_FRAMES / DECIMATION);
  const ring = ringOf(middle, LONGEST_FADE_FRAMES);
  const pulses = withoutSwells(powers);
  const rhythmic = rhythmOf(pulses) > RHYTHM;
  const apart = (a: number, b: number): number => {
    const distance = Math.abs(a - b) % length;
    return Math.min(distance, length - distance) / SAMPLE_RATE_HZ;
  };
  return {
    rhythmic,
    levelDb(frame, frames) {
      let power = 0;
      const count = Math.max(1, Math.floor(frames / STEP_FRAMES));
      const from = Math.floor(frame / STEP_FRAMES);
      for (let i = 0; i < count; i++) power += powers[(from + i) % steps]!;
      return 10 * Math.log10((power / count + 1e-12) / meanPower);
    },
    placeLike(frame, frames, avoid, random, refused) {
      const sameBeat = SAME_BEAT - 0.1 * Math.max(0, refused - 1);
      const here = Math.floor(frame / STEP_FRAMES);
      const fadeSteps = Math.ceil(frames / STEP_FRAMES);
      const alike: { step: number; score: number }[] = [];
      for (let step = 0; step < steps; step++) {
        const at = step * STEP_FRAMES;
        if ([frame, ...avoid].some((place) => apart(place, at) < SAME_PLACE_S)) continue;
        const distance = distanceDb(bands, here % steps, step, fadeSteps, steps);
        if (distance > MOST_DISTANCE_DB) continue;
        const beat = rhythmic ? likeness(pulses, here % steps, step, CONTEXT_STEPS, steps) : 1;
        if (beat < sameBeat) continue;
        alike.push({ step, score: distance + 6 * (1 - beat) });
      }
      const best = spreadOut(alike.sort((a, b) => a.score - b.score));
      while (best.length > COMPARED) best.splice(random.below(best.length), 1);
      const places = best.map(({ step }) => aligned(ring, coarse, frame, step * STEP_FRAMES, frames));
      const fit = places.reduce((most, { correlation }) => Math.max(most, correlation), 0);
      const fitting = fit > TONAL ? places.filter(({ correlation }) => correlation > 0.85 * fit) : places;
      return fitting[random.below(fitting.length)];
    },
  };
}

/** Log levels of three bands, step by step: [low, mid, high, low, …] in dB. */
function bandLevels(middle: Float32Array, steps: number): Float32Array {
  const levels = new Float32Array(steps * 3);
  const low = middle.slice();
  filter([biquad('low', LOW_HZ, Math.SQRT1_2)], low);
  const high = middle.slice();
  filter([biquad('high', HIGH_HZ, Math.SQRT1_2)], high);
  const mid = middle.slice();
  filter([biquad('high', LOW_HZ, Math.SQRT1_2), biquad('low', HIGH_HZ, Math.SQRT1_2)], mid);
  for (const [band, samples] of [low, mid, high].entries()) {
    const powers = powerOf(samples, steps);
    for (let step = 0; step < steps; step++) levels[step * 3 + band] = 10 * Math.log10(powers[step]! + 1e-9);
  }
  return levels;
}

function powerOf(samples: Float32Array, steps: number): Float32Array {
  const powers = new Float32Array(steps);
  for (let step = 0; step < steps; step++) {
    let sum = 0;
    for (let i = step * STEP_FRAMES; i < (step + 1) * STEP_FRAMES; i++) sum += samples[i]! * samples[i]!;
    powers[step] = sum / STEP_FRAMES;
  }
  return powers;
}

/** Mean of each DECIMATION frames: enough to align what has a pitch. */
function decimated(middle: Float32Array): Float32Array {
  const out = new Float32Array(Math.floor(middle.length / DECIMATION));
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < DECIMATION; j++) sum += middle[i * DECIMATION + j]!;
    out[i] = sum;
  }
  return out;
}

/** Over the mean of the second around: a slow swell is no beat. */
function withoutSwells(powers: Float32Array): Float32Array {
  const steps = powers.length;
  const around = 50;
  return powers.map((power, step) => {
    let sum = 1e-12;
    for (let i = -around; i <= around; i++) sum += powers[(step + i + steps) % steps]!;
    return (power * (2 * around + 1)) / sum;
  });
}

/**
 * How regular the levels are: the highest autocorrelation that comes back at twice and three times its lag. Once is not
 * enough, since a recording may hold one stretch twice. Levels that hardly move have no beat to lose.
 */
function rhythmOf(pulses: Float32Array): number {
  const steps = pulses.length;
  const mean = pulses.reduce((a, b) => a + b, 0) / steps;
  const spread = Math.sqrt(pulses.reduce((sum, pulse) => sum + (pulse - mean) ** 2, 0) / steps);
  if (spread < MOVES * mean) return 0;
  let most = 0;
  for (let lag = 8; lag <= steps / 4; lag++) {
    const back = [1, 2, 3].map((times) => likeness(pulses, 0, times * lag, steps, steps));
    most = Math.max(most, (back[0]! + back[1]! + back[2]!) / 3);
  }
  return most;
}

/** Pearson's correlation of two stretches of levels. */
function likeness(powers: Float32Array, a: number, b: number, count: number, steps: number): number {
  let [sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    const x = powers[(a + i) % steps]!;
    const y = powers[(b + i) % steps]!;
    sumA += x;
    sumB += y;
    sumAA += x * x;
    sumBB += y * y;
    sumAB += x * y;
  }
  const spread = Math.sqrt((sumAA - (sumA * sumA) / count) * (sumBB - (sumB * sumB) / count));
  return spread > 0 ? (sumAB - (sumA * sumB) / count) / spread : 0;
}

/** How far the bands' mean levels lie apart over a crossfade. */
function distanceDb(bands: Float32Array, a: number, b: number, fadeSteps: number, steps: number): number {
  let distance = 0;
  for (let band = 0; band < 3; band++) {
    let difference = 0;
    for (let i = 0; i < fadeSteps; i++)
      difference += bands[((a + i) % steps) * 3 + band]! - bands[((b + i) % steps) * 3 + band]!;
    distance += Math.abs(difference / fadeSteps);
  }
  return distance / 3;
}

/** The first CHOICE that don't lie side by side. */
function spreadOut(ranked: readonly { step: number }[]): { step: number }[] {
  const chosen: { step: number }[] = [];
  for (const each of ranked) {
    if (chosen.length === CHOICE) break;
    if (chosen.every(({ step }) => Math.abs(step - each.step) > 5)) chosen.push(each);
  }
  return chosen;
}

/** A sound and as much of its start again as two places are ever compared by, so that none reaches over the end. */
interface Ring {
  samples: Float32Array;
  length: number;
}

function ringOf(samples: Float32Array, more: number): Ring {
  const { length } = samples;
  const extended = new Float32Array(length + more);
  for (let at = 0; at < extended.length; at += length)
    extended.set(samples.subarray(0, Math.min(length, extended.length - at)), at);
  return { samples: extended, length };
}

/** Moves a place by up to 12.5 ms, to where its wave fits best. */
function aligned(
  middle: Ring,
  coarse: Ring,
  frame: number,
  place: number,
  frames: number,
): { frame: number; correlation: number } {
  const reach = ALIGN_FRAMES / DECIMATION;
  const rough = bestLag(coarse, frame / DECIMATION, place / DECIMATION, frames / DECIMATION, reach, 1);
  // Every third frame of the fade is enough to compare by.
  const fine = bestLag(middle, frame, place + rough.lag * DECIMATION, frames, DECIMATION, 3);
  return {
    frame: (place + rough.lag * DECIMATION + fine.lag + middle.length) % middle.length,
    correlation: Math.max(-0.3, Math.min(0.99, fine.correlation)),
  };
}

function bestLag(
  { samples, length }: Ring,
  frame: number,
  place: number,
  count: number,
  reach: number,
  stride: number,
): { lag: number; correlation: number } {
  const here = Math.floor(frame) % length;
  let aa = 1e-12;
  for (let i = 0; i < count; i += stride) aa += samples[here + i]! ** 2;
  let best = { lag: 0, correlation: -1 };
  for (let lag = -reach; lag <= reach; lag++) {
    const there = (Math.floor(place) + lag + length) % length;
    let [bb, ab] = [1e-12, 0];
    for (let i = 0; i < count; i += stride) {
      const b = samples[there + i]!;
      bb += b * b;
      ab += samples[here + i]! * b;
    }
    const correlation = ab / Math.sqrt(aa * bb);
    if (correlation > best.correlation) best = { lag, correlation };
  }
  return best;
}
