/** Half the number of samples that one new sample is made of. */
export const SINC_REACH = 24;
const PHASES = 1024;
/** Kaiser window: −90 dB beside the pass band. */
const BETA = 9;

/** Rows of one more than PHASES fractions; between two rows values are interpolated. */
const KERNEL = buildKernel();

/**
 * The value of a sampled sound between its samples (band-limited, windowed sinc; Smith & Gossett 1984). Whole positions
 * give the samples themselves.
 *
 * @param samples interleaved; must hold SINC_REACH frames before and after the position
 * @param position in frames
 */
export function sampleAt(samples: Float32Array, channels: number, channel: number, position: number): number {
  const whole = Math.floor(position);
  const fraction = position - whole;
  if (fraction === 0) return samples[whole * channels + channel] as number;
  const row = fraction * PHASES;
  const lower = Math.floor(row);
  const share = row - lower;
  const width = 2 * SINC_REACH;
  let at = lower * width;
  let sum = 0;
  let index = (whole - SINC_REACH + 1) * channels + channel;
  for (let k = 0; k < width; k++, at++, index += channels) {
    const low = KERNEL[at] as number;
    sum += (samples[index] as number) * (low + share * ((KERNEL[at + width] as number) - low));
  }
  return sum;
}

function buildKernel(): Float64Array {
  const width = 2 * SINC_REACH;
  const kernel = new Float64Array((PHASES + 1) * width);
  for (let phase = 0; phase <= PHASES; phase++) {
    let total = 0;
    for (let k = 0; k < width; k++) {
      const x = k - SINC_REACH + 1 - phase / PHASES;
      const edge = 1 - (x / SINC_REACH) ** 2;
      const value = edge <= 0 ? 0 : (sinc(x) * bessel(BETA * Math.sqrt(edge))) / bessel(BETA);
      kernel[phase * width + k] = value;
      total += value;
    }
    for (let k = 0; k < width; k++) kernel[phase * width + k]! /= total;
  }
  return kernel;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Modified Bessel function of the first kind, order 0. */
function bessel(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}
