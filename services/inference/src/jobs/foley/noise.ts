import { SAMPLE_RATE_HZ } from './sample-rate.js';
import type { EndlessSource } from './beds.js';
import type { Random } from './random.js';

/** A sound that is noise in nature, as classes.json describes it: wind, rain, room tone. */
export interface NoiseShape {
  /** Bands that are added. gainDb is the level of the whole band, however wide it is. */
  bands: NoiseBand[];
  /** Short bursts at random times, for fire. */
  crackle?: { ratePerS: number; lowHz: number; highHz: number; gainDb: number; decayMs: number };
}

export interface NoiseBand {
  lowHz: number;
  highHz: number;
  gainDb: number;
  /** How fast its level wanders; 0 for not at all. */
  modulationHz: number;
  /** 0 to 1: how far down its level wanders. */
  modulationDepth: number;
}

type Filter = (x: number) => number;

const SPREAD = 0.6; // share of each side's noise that the other side doesn't have: wide, with a middle

/** Endless noise of a shape: interleaved stereo, about as loud as the sum of its bands says. */
export function noiseOf(shape: NoiseShape, random: Random): EndlessSource {
  const bands = shape.bands.map((band, index) => bandOf(band, random.branch(`band${index}`)));
  const crackle = shape.crackle === undefined ? undefined : crackleOf(shape.crackle, random.branch('crackle'));
  return (frames) => {
    const out = new Float32Array(frames * 2);
    for (const band of bands) band(out);
    crackle?.(out);
    return out;
  };
}

/** Adds the next frames of one band. */
function bandOf(band: NoiseBand, random: Random): (out: Float32Array) => void {
  const filters = [passBand(band), passBand(band)] as const;
  const level = 10 ** (band.gainDb / 20) / rmsOfBand(band);
  const wander = wandering(band.modulationHz, random.branch('wander'));
  return (out) => {
    for (let i = 0; i < out.length; i += 2) {
      const middle = (1 - SPREAD) * random.between(-1, 1);
      const gain = level * (1 - band.modulationDepth * wander());
      out[i]! += gain * filters[0](middle + SPREAD * random.between(-1, 1));
      out[i + 1]! += gain * filters[1](middle + SPREAD * random.between(-1, 1));
    }
  };
}

/** What white noise between −1 and 1, mixed as bandOf() does, leaves in a band. */
function rmsOfBand({ lowHz, highHz }: NoiseBand): number {
  const white = Math.sqrt((SPREAD ** 2 + (1 - SPREAD) ** 2) / 3);
  return white * Math.sqrt((highHz - lowHz) / (SAMPLE_RATE_HZ / 2));
}

/** Narrow bands by one resonance, wide ones by a high-pass and a low-pass. */
function passBand({ lowHz, highHz }: { lowHz: number; highHz: number }): Filter {
  if (highHz / lowHz < 2) {
    const centreHz = Math.sqrt(lowHz * highHz);
    return biquad('band', centreHz, centreHz / (highHz - lowHz));
  }
  const [high, low] = [biquad('high', lowHz, Math.SQRT1_2), biquad('low', highHz, Math.SQRT1_2)];
  return (x) => low(high(x));
}

/** Second-order filters of the Audio EQ Cookbook (Bristow-Johnson); 0 dB in the pass band. */
function biquad(kind: 'low' | 'high' | 'band', hz: number, q: number): Filter {
  const w = (2 * Math.PI * Math.min(hz, 0.45 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ;
  const alpha = Math.sin(w) / (2 * q);
  const cos = Math.cos(w);
  const a0 = 1 + alpha;
  const [n0, n1, n2] =
    kind === 'low' ? [(1 - cos) / 2, 1 - cos, (1 - cos) / 2]
    : kind === 'high' ? [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2]
    : [alpha, 0, -alpha]; // prettier-ignore
  const [b0, b1, b2, a1, a2] = [n0 / a0, n1 / a0, n2 / a0, (-2 * cos) / a0, (1 - alpha) / a0];
  let s1 = 0;
  let s2 = 0;
  return (x) => {
    const y = b0 * x + s1;
    s1 = b1 * x - a1 * y + s2;
    s2 = b2 * x - a2 * y;
    return y;
  };
}

/** A value between 0 and 1 that glides from one random place to the next, hz of them a second. */
function wandering(hz: number, random: Random): () => number {
  if (hz <= 0) return () => 0;
  let phase = random.next();
  let from = random.next();
  let to = random.next();
  return () => {
    phase += hz / SAMPLE_RATE_HZ;
    if (phase >= 1) {
      phase -= 1;
      from = to;
      to = random.next();
    }
    return from + (to - from) * (0.5 - 0.5 * Math.cos(Math.PI * phase));
  };
}

function crackleOf(crackle: NonNullable<NoiseShape['crackle']>, random: Random): (out: Float32Array) => void {
  const filters = [passBand(crackle), passBand(crackle)] as const;
  const fall = Math.exp(-1000 / (crackle.decayMs * SAMPLE_RATE_HZ));
  let [left, right] = [0, 0];
  return (out) => {
    for (let i = 0; i < out.length; i += 2) {
      if (random.next() < crackle.ratePerS / SAMPLE_RATE_HZ) {
        const gain = 10 ** ((crackle.gainDb + random.between(-18, 6)) / 20);
        const side = random.between(0.2, 0.8);
        left = gain * (1 - side) * 2;
        right = gain * side * 2;
      }
      out[i]! += filters[0](left * random.between(-1, 1));
      out[i + 1]! += filters[1](right * random.between(-1, 1));
      left *= fall;
      right *= fall;
    }
  };
}
