import { open } from 'node:fs/promises';
import { WAVE_HEADER_BYTES, waveHeader } from '../render/wave-header.js';

/** A file of sound that is written bit by bit. */
export interface WaveFile {
  /** Mono, −1..1. */
  append(samples: Float32Array): Promise<void>;
  /** Writes how long it has become; without it nobody can read the file. */
  finish(): Promise<void>;
  /** Lets go of the file, finished or not. */
  close(): Promise<void>;
}

/** RIFF WAVE, 32-bit float, mono. */
export async function createWaveFile(path: string, sampleRateHz: number): Promise<WaveFile> {
  const file = await open(path, 'wx');
  let bytes = 0;
  return {
    async append(samples) {
      await file.write(samples, 0, samples.byteLength, WAVE_HEADER_BYTES + bytes);
      bytes += samples.byteLength;
    },
    async finish() {
      const header = waveHeader({ sampleRateHz, channels: 1, bits: 32, dataBytes: bytes });
      await file.write(header, 0, WAVE_HEADER_BYTES, 0);
    },
    close: () => file.close(),
  };
}
