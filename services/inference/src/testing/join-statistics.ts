import { melRows, monoOf, superFlux } from './spectrum.js';

/** One feature at the joins, and at places between them. */
export interface JoinFeature {
  atJoins: { median: number; p95: number };
  elsewhere: { median: number; p95: number };
  /** The chance that a join stands out more than another place: 0.5 where they are alike (Mann and Whitney). */
  standsOut: number;
  /** Of standsOut, if there is no difference. */
  standardError: number;
}

export interface JoinStatistics {
  joins: number;
  places: number;
  /** The largest change of level from one 50 ms to the next, in dB. */
  energyStep: JoinFeature;
  /** The largest SuperFlux. */
  flux: JoinFeature;
}

const HOP_S = 0.01;
const STEP_HOPS = 5;
/** The stretch around a join, or around another place, of which the largest value is taken. */
const AROUND_S = 0.2;
const APART_S = 0.45;

/**
 * Whether joins could be told from the rest: each feature at the joins beside its distribution at all other places.
 *
 * pcm: interleaved stereo at 48 kHz.
 */
export function joinStatistics(pcm: Float32Array, joinTimesS: readonly number[]): JoinStatistics {
  const mono = monoOf(pcm);
  const durationS = mono.length / 48_000;
  const flux = superFlux(melRows(mono, 48_000, HOP_S));
  const levels = levelsDb(mono, flux.length);
  const steps = new Float32Array(flux.length);
  for (let hop = STEP_HOPS; hop < steps.length - STEP_HOPS; hop++)
    steps[hop] = Math.abs(mean(levels, hop, hop + STEP_HOPS) - mean(levels, hop - STEP_HOPS, hop));
  const inside = (timeS: number): boolean => timeS > 2 * AROUND_S && timeS < durationS - 2 * AROUND_S;
  const joins = joinTimesS.filter(inside);
  const places: number[] = [];
  for (let timeS = AROUND_S; timeS < durationS; timeS += AROUND_S / 2)
    if (inside(timeS) && joinTimesS.every((join) => Math.abs(join - timeS) > APART_S)) places.push(timeS);
  const compare = (feature: Float32Array): JoinFeature => {
    const at = joins.map((timeS) => largestAround(feature, timeS));
    const other = places.map((timeS) => largestAround(feature, timeS));
    return {
      atJoins: { median: quantile(at, 0.5), p95: quantile(at, 0.95) },
      elsewhere: { median: quantile(other, 0.5), p95: quantile(other, 0.95) },
      standsOut: chanceOfMore(at, other),
      standardError: Math.sqrt((at.length + other.length + 1) / (12 * Math.max(1, at.length * other.length))),
    };
  };
  return { joins: joins.length, places: places.length, energyStep: compare(steps), flux: compare(flux) };
}

function levelsDb(mono: Float32Array, hops: number): Float32Array {
  const levels = new Float32Array(hops);
  const frames = 48_000 * HOP_S;
  for (let hop = 0; hop < hops; hop++) {
    let sum = 0;
    for (let i = hop * frames; i < Math.min(mono.length, (hop + 1) * frames); i++) sum += mono[i]! * mono[i]!;
    levels[hop] = 10 * Math.log10(sum / frames + 1e-10);
  }
  return levels;
}

function mean(values: Float32Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i]!;
  return sum / (to - from);
}

function largestAround(feature: Float32Array, timeS: number): number {
  let most = 0;
  for (let hop = Math.round((timeS - AROUND_S) / HOP_S); hop <= Math.round((timeS + AROUND_S) / HOP_S); hop++)
    most = Math.max(most, feature[hop] ?? 0);
  return most;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? NaN;
}

function chanceOfMore(values: readonly number[], others: readonly number[]): number {
  const sorted = others.toSorted((a, b) => a - b);
  const below = (value: number, orSame: boolean): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < value || (orSame && sorted[middle]! === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const sum = values.reduce((total, value) => total + below(value, false) + below(value, true), 0);
  return sum / (2 * values.length * sorted.length);
}
