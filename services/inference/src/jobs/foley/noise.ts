import { SAMPLE_RATE_HZ } from './palette.js';
import type { EndlessSource } from './beds.js';
import type { Random } from './random.js';

/** Noise through a band of two-pole filters, for sounds that are noise in nature: wind, rain, room tone. */
export interface NoiseShape {
  /** Bands that are added. */
  bands: { centreHz: number; q: number; gainDb: number }[];
  /** How much the level wanders, dB up and down, and how fast. */
  wanderDb: number;
  wanderHz: number;
}

/** Endless noise of a shape: independent left and right that share half their power, so that it is wide but has a middle. */
export function noiseOf(shape: NoiseShape, random: Random): EndlessSource {
  const filters = [0, 1].map(() => shape.bands.map(bandPass));
  let phase = random.next();
  let wander = 0;
  let target = random.between(-1, 1);
  return (frames) => {
    const out = new Float32Array(frames * 2);
    for (let frame = 0; frame < frames; frame++) {
      phase += shape.wanderHz / SAMPLE_RATE_HZ;
      if (phase >= 1) {
        phase -= 1;
        target = random.between(-1, 1);
      }
      wander += (target - wander) * Math.min(1, (3 * shape.wanderHz) / SAMPLE_RATE_HZ);
      const level = 10 ** ((shape.wanderDb * wander) / 20);
      const middle = random.between(-1, 1);
      for (const channel of [0, 1]) {
        const white = Math.SQRT1_2 * (middle + random.between(-1, 1));
        let sum = 0;
        for (const filter of filters[channel]!) sum += filter(white);
        out[frame * 2 + channel] = level * sum;
      }
    }
    return out;
  };
}

/** Band-pass of 0 dB at its centre (Bristow-Johnson, Audio EQ Cookbook), with the band's gain. */
function bandPass({ centreHz, q, gainDb }: NoiseShape['bands'][number]): (x: number) => number {
  const w = (2 * Math.PI * centreHz) / SAMPLE_RATE_HZ;
  const alpha = Math.sin(w) / (2 * q);
  const b0 = (10 ** (gainDb / 20) * alpha) / (1 + alpha);
  const a1 = (-2 * Math.cos(w)) / (1 + alpha);
  const a2 = (1 - alpha) / (1 + alpha);
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  return (x) => {
    const y = b0 * (x - x2) - a1 * y1 - a2 * y2;
    x2 = x1;
    x1 = x;
    y2 = y1;
    y1 = y;
    return y;
  };
}
