import type { Random } from '../render/random.js';
import { SAMPLE_RATE_HZ } from '../render/sample-rate.js';

/** What is left of a sound, beside full scale, when it is dropped: 80 dB. */
const SILENT = 1e-4;

/** Both channels while they are being filled. */
export interface Canvas {
  left: Float32Array;
  right: Float32Array;
}

/** Adds one damped sine from frame `at`, by a two-pole resonator, until it can't be heard. side: −1 to 1. */
export function ring(
  { left, right }: Canvas,
  at: number,
  hz: number,
  decayPerS: number,
  level: number,
  side: number,
): void {
  if (level < SILENT || decayPerS <= 0) return;
  const length = Math.ceil((Math.log(level / SILENT) / decayPerS) * SAMPLE_RATE_HZ);
  const end = Math.min(left.length, at + length);
  const w = (2 * Math.PI * hz) / SAMPLE_RATE_HZ;
  const r = Math.exp(-decayPerS / SAMPLE_RATE_HZ);
  const a1 = 2 * r * Math.cos(w);
  const a2 = -r * r;
  const [toLeft, toRight] = [1 - side, 1 + side];
  let y1 = 0;
  let y = level * r * Math.sin(w);
  for (let i = at; i < end; i++) {
    left[i]! += toLeft * y;
    right[i]! += toRight * y;
    const next = a1 * y + a2 * y1;
    y1 = y;
    y = next;
  }
}

/** Noise through one broad resonance, dying fast: a pebble, a fibre that breaks. */
export function tick(
  { left, right }: Canvas,
  at: number,
  hz: number,
  gain: number,
  side: number,
  decayMs: number,
  random: Random,
): void {
  const decayFrames = (decayMs / 1000) * SAMPLE_RATE_HZ * random.between(0.6, 1.4);
  const end = Math.min(left.length, at + Math.ceil(8 * decayFrames));
  const r = Math.exp((-Math.PI * hz * 0.6) / SAMPLE_RATE_HZ);
  const a1 = 2 * r * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE_HZ);
  const a2 = -r * r;
  const fall = Math.exp(-1 / decayFrames);
  let envelope = gain * (1 - r) * 3;
  let y1 = 0;
  let y2 = 0;
  for (let i = at; i < end; i++) {
    const y = envelope * (2 * random.next() - 1) + a1 * y1 + a2 * y2;
    y2 = y1;
    y1 = y;
    envelope *= fall;
    left[i]! += (1 - side) * y;
    right[i]! += (1 + side) * y;
  }
}

/** Minnaert's frequency and its damping give a bubble's radius and life; it rises as the surface comes near. */
export function bubble(
  { left, right }: Canvas,
  at: number,
  hz: number,
  gain: number,
  side: number,
  random: Random,
): void {
  const radiusM = 3 / hz;
  const decayPerS = 0.13 / radiusM + 0.0072 * radiusM ** -1.5;
  const rise = decayPerS * random.between(0.05, 0.35);
  const end = Math.min(left.length, at + Math.ceil((Math.log(gain / SILENT) / decayPerS) * SAMPLE_RATE_HZ));
  const fall = Math.exp(-decayPerS / SAMPLE_RATE_HZ);
  const begin = Math.max(1, Math.min(96, Math.round(SAMPLE_RATE_HZ / hz / 2)));
  const { sin, PI } = Math;
  let level = gain;
  let phase = 0;
  for (let i = at; i < end; i++) {
    const risen = i - at < begin ? (i - at) / begin : 1;
    const y = level * sin(2 * PI * phase) * risen * risen * (3 - 2 * risen);
    phase += (hz * (1 + (rise * (i - at)) / SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ;
    if (phase > 1) phase -= 1;
    level *= fall;
    left[i]! += (1 - side) * y;
    right[i]! += (1 + side) * y;
  }
}
