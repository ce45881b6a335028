import { melRows, monoOf, superFlux } from './spectrum.js';

const HOP_S = 0.01;
/** A peak counts from this share of the strongest. */
const OF_STRONGEST = 0.3;
/** And only where the sound after it is within this of the loudest. */
const WITHIN_DB = 20;
const APART_S = 0.1;
/** Where the attack is looked for around a peak. */
const BEFORE_S = 0.045;
const AFTER_S = 0.03;
const SIDE_S = 0.004;

/**
 * When sounds begin, in seconds: peaks of the SuperFlux function (96 mel bands, 10 ms hop, lag 2, maximum of 3) that
 * reach 0.3 of the strongest, lie within 20 dB and 100 ms apart; each then moved to the steepest rise of energy near it,
 * which makes it exact to a millisecond or two.
 *
 * pcm: interleaved stereo.
 */
export function detectOnsets(pcm: Float32Array, sampleRateHz: number): number[] {
  const mono = monoOf(pcm);
  const flux = superFlux(melRows(mono, sampleRateHz, HOP_S));
  const strongest = flux.reduce((a, b) => Math.max(a, b), 0);
  if (strongest < 0.05) return []; // the flux of dither and of a steady tone
  const loudness = loudnessAfter(mono, sampleRateHz, flux.length);
  const loudest = loudness.reduce((a, b) => Math.max(a, b), 0);
  const candidates = [...flux.keys()]
    .filter((at) => flux[at]! >= OF_STRONGEST * strongest && isPeak(flux, at))
    .filter((at) => loudness[at]! >= loudest * 10 ** (-WITHIN_DB / 10))
    .sort((a, b) => flux[b]! - flux[a]!);
  const chosen: number[] = [];
  for (const at of candidates)
    if (chosen.every((other) => Math.abs(other - at) * HOP_S >= APART_S - 1e-9)) chosen.push(at);
  return chosen.sort((a, b) => a - b).map((at) => steepestRise(mono, sampleRateHz, at * HOP_S));
}

function isPeak(flux: Float32Array, at: number): boolean {
  for (let i = Math.max(0, at - 3); i <= Math.min(flux.length - 1, at + 3); i++) if (flux[i]! > flux[at]!) return false;
  return true;
}

/** Power of the 50 ms around and after each hop. */
function loudnessAfter(mono: Float32Array, sampleRateHz: number, hops: number): Float32Array {
  const out = new Float32Array(hops);
  for (let hop = 0; hop < hops; hop++) {
    const from = Math.max(0, Math.round((hop * HOP_S - 0.02) * sampleRateHz));
    const to = Math.min(mono.length, Math.round((hop * HOP_S + 0.05) * sampleRateHz));
    let sum = 0;
    for (let i = from; i < to; i++) sum += mono[i]! * mono[i]!;
    out[hop] = sum / Math.max(1, to - from);
  }
  return out;
}

/** Where the energy of the 4 ms after is highest over that of the 4 ms before. */
function steepestRise(mono: Float32Array, sampleRateHz: number, aboutS: number): number {
  const side = Math.round(SIDE_S * sampleRateHz);
  const first = Math.max(0, Math.round((aboutS - BEFORE_S) * sampleRateHz));
  const last = Math.min(mono.length - 1, Math.round((aboutS + AFTER_S) * sampleRateHz));
  const sums = new Float64Array(last - first + 2 * side + 2); // sums[i]: energy before frame first − side + i
  for (let i = 0; i + 1 < sums.length; i++) {
    const at = first - side + i;
    const rise = at > 0 && at < mono.length ? mono[at]! - 0.95 * mono[at - 1]! : 0; // attacks are brighter than what rings
    sums[i + 1] = sums[i]! + rise * rise;
  }
  // What is softer than this beside the attack doesn't count: a rise out of silence is no steeper than one out of noise.
  const floor = 1e-4 * (sums.at(-1)! / (last - first)) * side + 1e-12;
  let best = { at: first, steepness: -1 };
  for (let at = first; at <= last; at++) {
    const i = at - first + side;
    const before = sums[i]! - sums[i - side]!;
    const after = sums[i + side]! - sums[i]!;
    const steepness = (after / (before + floor)) * Math.sqrt(after);
    if (steepness > best.steepness) best = { at, steepness };
  }
  return best.at / sampleRateHz;
}
