import { examineLoop, type LoopFeatures } from './loop-features.js';
import type { Random } from './random.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';

/** Gives the next frames of an endless sound: interleaved stereo at 48 kHz. */
export type EndlessSource = (frames: number) => Float32Array;

/** Shorter recordings are a cycle of an engine or a hum: there is nothing in them to choose from. */
const SHORTEST_TO_CUT_S = 2;
const GRAIN_S = [1, 3] as const;
const CROSSFADE_S = [0.15, 0.4] as const;
/** What a grain's level is evened by at most. */
const EVEN_DB = 1.5;

/**
 * Extends a recording for ever, from a place that chance takes. It is cut into pieces of 1 to 3 s, which follow each
 * other in an order that chance takes, joined where both sides are alike, so that nobody hears a loop of four seconds.
 * Where no other place is like it, as in a rhythm, the recording goes on as it is; the palette's continuous recordings
 * are cut so that their end runs into their start.
 *
 * pcm: interleaved stereo. onJoin: told the frame in the middle of each join.
 */
export function loopOf(pcm: Float32Array, random: Random, onJoin?: (frame: number) => void): EndlessSource {
  if (pcm.length < 2) throw new RangeError('A recording of no length can not be looped.');
  const length = pcm.length / 2;
  const start = random.below(length);
  const cuttable = length >= SHORTEST_TO_CUT_S * SAMPLE_RATE_HZ;
  return cuttable ? montage(pcm, examineLoop(pcm), start, random, onJoin) : repeated(pcm, start);
}

function repeated(pcm: Float32Array, start: number): EndlessSource {
  let at = start * 2;
  return (frames) => {
    const out = new Float32Array(frames * 2);
    for (let filled = 0; filled < out.length;) {
      const part = pcm.subarray(at, Math.min(pcm.length, at + out.length - filled));
      out.set(part, filled);
      filled += part.length;
      at = (at + part.length) % pcm.length;
    }
    return out;
  };
}

/** A crossfade that goes on: from `leaving` at the old place to `at` at the new one. */
interface Join {
  leaving: number;
  oldGain: number;
  done: number;
  frames: number;
  correlation: number;
}

function montage(
  pcm: Float32Array,
  features: LoopFeatures,
  start: number,
  random: Random,
  onJoin: ((frame: number) => void) | undefined,
): EndlessSource {
  const length = pcm.length / 2;
  let at = start; // in the recording
  let given = 0; // frames so far
  let gain = 1;
  let join: Join | undefined;
  let untilNext = grainFrames(random);
  let refused = 0;
  const before: number[] = [start];

  /** Leaves this place for one that is like it; stays where there is none. */
  const cut = (): void => {
    untilNext = grainFrames(random);
    const frames = Math.round(random.between(...CROSSFADE_S) * SAMPLE_RATE_HZ);
    const place = features.placeLike(at, frames, before, random, refused);
    refused = place === undefined ? refused + 1 : 0;
    if (place === undefined) return;
    join = { leaving: at, oldGain: gain, done: 0, frames, correlation: place.correlation };
    onJoin?.(given + frames / 2);
    at = place.frame;
    before.push(at);
    if (before.length > 2) before.shift();
    gain = features.rhythmic ? 1 : evenedBy(features.levelDb(at, untilNext));
  };

  return (frames) => {
    const out = new Float32Array(frames * 2);
    for (let filled = 0; filled < frames;) {
      if (untilNext <= 0) cut();
      const until = join === undefined ? untilNext : join.frames - join.done;
      const count = Math.min(frames - filled, until, length - at);
      if (join === undefined) copy(out, filled, pcm, at, count, gain);
      else {
        blend(out, filled, pcm, at, count, gain, join);
        join.done += count;
        if (join.done === join.frames) join = undefined;
      }
      filled += count;
      given += count;
      untilNext -= count;
      at = (at + count) % length;
    }
    return out;
  };
}

function grainFrames(random: Random): number {
  return Math.round(random.between(...GRAIN_S) * SAMPLE_RATE_HZ);
}

/** levelDb: over the whole recording's. */
function evenedBy(levelDb: number): number {
  return 10 ** (Math.max(-EVEN_DB, Math.min(EVEN_DB, -levelDb)) / 20);
}

function copy(out: Float32Array, to: number, pcm: Float32Array, from: number, count: number, gain: number): void {
  for (let i = 0; i < count * 2; i++) out[to * 2 + i] = gain * pcm[from * 2 + i]!;
}

/** Equal power for what both sides have in common and what they don't: cos² + sin² + 2ρ·cos·sin is divided out. */
function blend(
  out: Float32Array,
  to: number,
  pcm: Float32Array,
  from: number,
  count: number,
  gain: number,
  { leaving, oldGain, done, frames, correlation }: Join,
): void {
  const { cos, sin, sqrt, PI } = Math;
  const length = pcm.length / 2;
  for (let i = 0; i < count; i++) {
    const angle = ((PI / 2) * (done + i + 0.5)) / frames;
    const [off, on] = [cos(angle), sin(angle)];
    const even = 1 / sqrt(1 + 2 * correlation * off * on);
    const old = (leaving + done + i) % length;
    out[(to + i) * 2] = even * (off * oldGain * pcm[old * 2]! + on * gain * pcm[(from + i) * 2]!);
    out[(to + i) * 2 + 1] = even * (off * oldGain * pcm[old * 2 + 1]! + on * gain * pcm[(from + i) * 2 + 1]!);
  }
}
