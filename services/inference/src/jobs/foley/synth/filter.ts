import { SAMPLE_RATE_HZ } from '../render/sample-rate.js';

/** A second-order filter with its memory: transposed direct form II. */
export interface Biquad {
  b0: number;
  b1: number;
  b2: number;
  a1: number;
  a2: number;
  s1: number;
  s2: number;
}

/** Second-order filters of the Audio EQ Cookbook (Bristow-Johnson); 0 dB in the pass band. */
export function biquad(kind: 'low' | 'high' | 'band', hz: number, q: number): Biquad {
  const w = (2 * Math.PI * Math.min(hz, 0.45 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ;
  const alpha = Math.sin(w) / (2 * q);
  const cos = Math.cos(w);
  const a0 = 1 + alpha;
  const [n0, n1, n2] =
    kind === 'low' ? [(1 - cos) / 2, 1 - cos, (1 - cos) / 2]
    : kind === 'high' ? [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2]
    : [alpha, 0, -alpha]; // prettier-ignore
  return { b0: n0 / a0, b1: n1 / a0, b2: n2 / a0, a1: (-2 * cos) / a0, a2: (1 - alpha) / a0, s1: 0, s2: 0 };
}

/** Filters that let a band pass: narrow ones are one resonance, wide ones a high-pass and a low-pass. */
export function passBand({ lowHz, highHz }: { lowHz: number; highHz: number }): Biquad[] {
  if (highHz / lowHz < 2) {
    const centreHz = Math.sqrt(lowHz * highHz);
    return [biquad('band', centreHz, centreHz / (highHz - lowHz))];
  }
  return [biquad('high', lowHz, Math.SQRT1_2), biquad('low', highHz, Math.SQRT1_2)];
}

/** Gives a filter the place of another one; what it remembers stays. */
export function retune(filter: Biquad, { b0, b1, b2, a1, a2 }: Biquad): void {
  Object.assign(filter, { b0, b1, b2, a1, a2 });
}

/** Filters the first `length` samples in place and remembers where it stopped. */
export function filter(chain: readonly Biquad[], samples: Float32Array | Float64Array, length = samples.length): void {
  for (const each of chain) {
    const { b0, b1, b2, a1, a2 } = each;
    let { s1, s2 } = each;
    for (let i = 0; i < length; i++) {
      const x = samples[i]!;
      const y = b0 * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      samples[i] = y;
    }
    each.s1 = Math.abs(s1) < 1e-20 ? 0 : s1; // numbers too small for the processor's fast path
    each.s2 = Math.abs(s2) < 1e-20 ? 0 : s2;
  }
}
