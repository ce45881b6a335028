import { open } from 'node:fs/promises';

const HEADER_BYTES = 44;

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
      await file.write(samples, 0, samples.byteLength, HEADER_BYTES + bytes);
      bytes += samples.byteLength;
    },
    async finish() {
      const header = Buffer.alloc(HEADER_BYTES);
      header.write('RIFF', 0, 'latin1');
      header.writeUInt32LE(HEADER_BYTES - 8 + bytes, 4);
      header.write('WAVEfmt ', 8, 'latin1');
      header.writeUInt32LE(16, 16);
      header.writeUInt16LE(3, 20); // IEEE float
      header.writeUInt16LE(1, 22);
      header.writeUInt32LE(sampleRateHz, 24);
      header.writeUInt32LE(sampleRateHz * 4, 28);
      header.writeUInt16LE(4, 32);
      header.writeUInt16LE(32, 34);
      header.write('data', 36, 'latin1');
      header.writeUInt32LE(bytes, 40);
      await file.write(header, 0, HEADER_BYTES, 0);
    },
    close: () => file.close(),
  };
}
