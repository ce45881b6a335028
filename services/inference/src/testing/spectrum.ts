/** Radix-2 FFT in place (Cooley and Tukey 1965). The length is a power of two. */
export function fft(re: Float64Array, im: Float64Array): void {
  const { length } = re;
  const { cos, sin, PI } = Math;
  for (let i = 1, j = 0; i < length; i++) {
    let bit = length >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let size = 2; size <= length; size *= 2) {
    const half = size / 2;
    for (let k = 0; k < half; k++) {
      const wr = cos((-2 * PI * k) / size);
      const wi = sin((-2 * PI * k) / size);
      for (let i = k; i < length; i += size) {
        const xr = re[i + half]! * wr - im[i + half]! * wi;
        const xi = re[i + half]! * wi + im[i + half]! * wr;
        re[i + half] = re[i]! - xr;
        im[i + half] = im[i]! - xi;
        re[i]! += xr;
        im[i]! += xi;
      }
    }
  }
}

const WINDOW = 2048;
const BANDS = 96;
const LOWEST_HZ = 30;
const HIGHEST_HZ = 17_000;

/**
 * Log levels of 96 mel bands, one row for each hop; a row is centred on its time, row 0 on the start. Before the start is
 * silence. There is no row for the last 21 ms, where a window would reach over the end: a cut is not a sound.
 */
export function melRows(mono: Float32Array, sampleRateHz: number, hopS: number): Float32Array[] {
  const weights = melWeights(sampleRateHz);
  const window = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));
  const rows: Float32Array[] = [];
  const re = new Float64Array(WINDOW);
  const im = new Float64Array(WINDOW);
  const { sqrt, log10 } = Math;
  for (let hop = 0; hop * hopS * sampleRateHz + WINDOW / 2 <= mono.length; hop++) {
    const from = Math.round(hop * hopS * sampleRateHz) - WINDOW / 2;
    im.fill(0);
    for (let i = 0; i < WINDOW; i++) re[i] = window[i]! * (mono[from + i] ?? 0);
    fft(re, im);
    const row = new Float32Array(BANDS);
    for (let band = 0; band < BANDS; band++) {
      const { first, values } = weights[band]!;
      let sum = 0;
      for (let i = 0; i < values.length; i++) sum += values[i]! * sqrt(re[first + i]! ** 2 + im[first + i]! ** 2);
      row[band] = log10(1 + sum);
    }
    rows.push(row);
  }
  return rows;
}

function melWeights(sampleRateHz: number): { first: number; values: number[] }[] {
  const mel = (hz: number): number => 2595 * Math.log10(1 + hz / 700);
  const highest = mel(Math.min(HIGHEST_HZ, sampleRateHz / 2));
  const edges = Array.from({ length: BANDS + 2 }, (_, i) => {
    const at = mel(LOWEST_HZ) + ((highest - mel(LOWEST_HZ)) * i) / (BANDS + 1);
    return ((700 * (10 ** (at / 2595) - 1)) / sampleRateHz) * WINDOW;
  });
  return Array.from({ length: BANDS }, (_, band) => {
    const [low, centre, high] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    const first = Math.floor(low);
    const values = Array.from({ length: Math.ceil(high) - first + 1 }, (__, i) => {
      const bin = first + i;
      return Math.max(0, Math.min((bin - low) / Math.max(1, centre - low), (high - bin) / Math.max(1, high - centre)));
    });
    return { first, values };
  });
}

/**
 * How much of each row is new: the rise of each band over the loudest of it and its neighbours two rows before, summed
 * (SuperFlux, Böck and Widmer 2013). A tone that only wavers is not new.
 */
export function superFlux(rows: readonly Float32Array[]): Float32Array {
  const LAG = 2;
  const flux = new Float32Array(rows.length);
  const { max } = Math;
  for (let at = 0; at < rows.length; at++) {
    const now = rows[at]!;
    const before = rows[at - LAG] ?? new Float32Array(now.length);
    let sum = 0;
    for (let band = 0; band < now.length; band++) {
      const known = max(before[band - 1] ?? 0, before[band]!, before[band + 1] ?? 0);
      sum += max(0, now[band]! - known);
    }
    flux[at] = sum;
  }
  return flux;
}

/** The mean of both channels of interleaved stereo. */
export function monoOf(stereo: Float32Array): Float32Array {
  const mono = new Float32Array(stereo.length / 2);
  for (let i = 0; i < mono.length; i++) mono[i] = (stereo[i * 2]! + stereo[i * 2 + 1]!) / 2;
  return mono;
}
