/**
 * The power spectrum of real blocks of one length, by a radix-2 transform of half the length: even samples as the real
 * part, odd ones as the imaginary one (Press et al., Numerical Recipes, 12.3).
 *
 * @param size samples in a block, a power of 2 from 4
 * @returns a function that fills `power` with |X(k)|² for k = 0 … size/2 − 1; k = 0 is left 0
 */
export function createPowerSpectrum(size: number): (samples: Float32Array, power: Float64Array) => void {
  const half = size / 2;
  const bits = Math.log2(half);
  const cos = Float64Array.from({ length: half }, (_, k) => Math.cos((-2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: half }, (_, k) => Math.sin((-2 * Math.PI * k) / size));
  const reversed = Uint32Array.from({ length: half }, (_, n) => {
    let turned = 0;
    for (let bit = 0; bit < bits; bit++) turned |= ((n >> bit) & 1) << (bits - 1 - bit);
    return turned;
  });
  const re = new Float64Array(half);
  const im = new Float64Array(half);

  return (samples, power) => {
    for (let n = 0; n < half; n++) {
      re[reversed[n]!] = samples[2 * n]!;
      im[reversed[n]!] = samples[2 * n + 1]!;
    }
    for (let span = 1; span < half; span *= 2) {
      // The twiddle factor e^(−2πi k / (2·span)) stands at k · size / (2·span) of the table.
      const stride = size / (2 * span);
      for (let start = 0; start < half; start += 2 * span) {
        for (let k = 0; k < span; k++) {
          const a = start + k;
          const b = a + span;
          const c = cos[k * stride]!;
          const s = sin[k * stride]!;
          const tr = re[b]! * c - im[b]! * s;
          const ti = re[b]! * s + im[b]! * c;
          re[b] = re[a]! - tr;
          im[b] = im[a]! - ti;
          re[a]! += tr;
          im[a]! += ti;
        }
      }
    }
    power[0] = 0;
    for (let k = 1; k < half; k++) {
      const evenRe = (re[k]! + re[half - k]!) / 2;
      const evenIm = (im[k]! - im[half - k]!) / 2;
      const oddRe = (im[k]! + im[half - k]!) / 2;
      const oddIm = (re[half - k]! - re[k]!) / 2;
      const xr = evenRe + oddRe * cos[k]! - oddIm * sin[k]!;
      const xi = evenIm + oddRe * sin[k]! + oddIm * cos[k]!;
      power[k] = xr * xr + xi * xi;
    }
  };
}
