import { createPowerSpectrum } from './fft.js';

/*
 * An audio fingerprint after J. Haitsma and T. Kalker, "A highly robust audio fingerprinting system" (ISMIR 2002): one
 * word of 32 bits for each short step; bit m tells whether the energy difference of bands m and m + 1 grew since the
 * step before. Level, coding and equalising hardly change signs of differences of differences. The steps are coarser
 * than in the paper (23 ms instead of 12 ms), which halves the size; the windows overlap by 15/16, so that an offset of
 * half a step changes few bits.
 *
 * Beside the words there are marks: 20 coarser bits of the same kind over a longer span (0.28 s). They tell less, but
 * copies share far more of them exactly, so clips are found by them and then compared by their words.
 */

export const SAMPLE_RATE_HZ = 11_025;
/** Samples between words: 23.2 ms. */
export const HOP = 256;
const WINDOW = 4096;
const BANDS = 33;
const MARK_BANDS = 21;
/** Steps over which a mark's change goes. */
const MARK_SPAN = 12;
/** In place of a mark at the beginning. */
export const NO_MARK = 0xffffffff;
const LOWEST_HZ = 300;
const HIGHEST_HZ = 2000;
/** A longer clip is known by its beginning. */
export const LONGEST_S = 300;
/** Windows that are quieter than this, relative to the clip's loudest, or to full scale, say nothing: signs of noise. */
const QUIET_DB = -50;
const SILENT_DB = -75;

export interface Fingerprint {
  /** One word for each step. */
  words: Uint32Array;
  /** 1 where the word says something, 0 where the clip is quiet. */
  heard: Uint8Array;
  /** One mark of 20 bits for each step, or `NO_MARK`. */
  marks: Uint32Array;
}

/**
 * Computes the fingerprint of a sound.
 *
 * @param blocks mono at 11,025 Hz, ±1 full scale
 */
export async function fingerprintOf(
  blocks: AsyncIterable<Float32Array> | Iterable<Float32Array>,
): Promise<Fingerprint> {
  const spectrum = createPowerSpectrum(WINDOW);
  const window = Float32Array.from({ length: WINDOW }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / WINDOW));
  const edges = bandEdges(BANDS);
  const markEdges = bandEdges(MARK_BANDS);
  const power = new Float64Array(WINDOW / 2);
  const windowed = new Float32Array(WINDOW);
  let before: Float64Array = new Float64Array(BANDS);
  const markEnergies: Float64Array[] = [];
  const words: number[] = [];
  const marks: number[] = [];
  const loudness: number[] = [];
  let steps = 0;

  const step = (samples: Float32Array, at: number) => {
    for (let n = 0; n < WINDOW; n++) windowed[n] = samples[at + n]! * window[n]!;
    spectrum(windowed, power);
    const energies = bandEnergies(power, edges);
    markEnergies.push(bandEnergies(power, markEdges));
    const long = markEnergies.length > MARK_SPAN ? markEnergies.shift() : undefined;
    if (steps++ > 0) {
      words.push(changeBits(energies, before));
      marks.push(long ? changeBits(markEnergies.at(-1)!, long) : NO_MARK);
      loudness.push(energies.reduce((sum, energy) => sum + energy, 0));
    }
    before = energies;
  };

  let rest = new Float32Array(0);
  let taken = 0;
  for await (const block of blocks) {
    const samples = new Float32Array(rest.length + block.length);
    samples.set(rest);
    samples.set(block, rest.length);
    let at = 0;
    for (; at + WINDOW <= samples.length; at += HOP) step(samples, at);
    rest = samples.slice(at);
    taken += block.length;
    if (taken > LONGEST_S * SAMPLE_RATE_HZ) break;
  }

  // |X|² of a full-scale sine under this window is (WINDOW / 4)², spread over three lines.
  const fullScale = (WINDOW / 4) ** 2;
  const loudest = loudness.reduce((most, power) => Math.max(most, power), 0);
  const floor = Math.max(loudest * 10 ** (QUIET_DB / 10), fullScale * 10 ** (SILENT_DB / 10));
  return {
    words: Uint32Array.from(words),
    heard: Uint8Array.from(loudness, (power) => (power > floor ? 1 : 0)),
    marks: Uint32Array.from(marks),
  };
}

/** Energies of the bands that begin at the given lines of a spectrum. */
function bandEnergies(power: Float64Array, edges: readonly number[]): Float64Array {
  const energies = new Float64Array(edges.length - 1);
  for (let m = 0; m < energies.length; m++) {
    for (let k = edges[m]!; k < edges[m + 1]!; k++) energies[m]! += power[k]!;
  }
  return energies;
}

/** Bit m: whether band m grew by more than band m + 1. */
function changeBits(energies: Float64Array, before: Float64Array): number {
  let bits = 0;
  for (let m = 0; m < energies.length - 1; m++) {
    if (energies[m]! - energies[m + 1]! > before[m]! - before[m + 1]!) bits |= 1 << m;
  }
  return bits >>> 0;
}

/** First lines of the spectrum of the bands, spaced evenly in pitch from 300 to 2,000 Hz. */
function bandEdges(bands: number): number[] {
  const lineHz = SAMPLE_RATE_HZ / WINDOW;
  return Array.from({ length: bands + 1 }, (_, m) =>
    Math.round((LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** (m / bands)) / lineHz),
  );
}

/** As stored for comparing: the words (little-endian), then one byte each that tells whether it counts. */
export function packFingerprint({ words, heard }: Pick<Fingerprint, 'words' | 'heard'>): Uint8Array {
  const bytes = new Uint8Array(words.length * 5);
  const view = new DataView(bytes.buffer);
  words.forEach((word, n) => view.setUint32(4 * n, word, true));
  bytes.set(heard, 4 * words.length);
  return bytes;
}

export function unpackFingerprint(bytes: Uint8Array): Pick<Fingerprint, 'words' | 'heard'> {
  const count = Math.floor(bytes.length / 5);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = Uint32Array.from({ length: count }, (_, n) => view.getUint32(4 * n, true));
  return { words, heard: bytes.slice(4 * count, 5 * count) };
}
