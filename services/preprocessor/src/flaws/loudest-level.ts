import { open } from 'node:fs/promises';

/** Bytes before the samples of a WAV file without metadata. */
const HEADER_BYTES = 44;
const WINDOW_S = 0.1;
const WINDOWS_A_READ = 32;
/** What digital silence counts as, dBFS. */
const SILENCE_DB = -120;

/** Root mean square of the loudest tenth of a second of a mono 16-bit WAV file without metadata, dBFS. */
export async function loudestLevelDb(wavPath: string, sampleRateHz: number): Promise<number> {
  const file = await open(wavPath);
  try {
    const windowBytes = 2 * Math.max(1, Math.round(WINDOW_S * sampleRateHz));
    const block = Buffer.alloc(WINDOWS_A_READ * windowBytes);
    let loudest = 0;
    for (let at = HEADER_BYTES; ; at += block.length) {
      const { bytesRead } = await file.read(block, 0, block.length, at);
      for (let from = 0; from + 1 < bytesRead; from += windowBytes) {
        loudest = Math.max(loudest, meanSquare(block.subarray(from, Math.min(from + windowBytes, bytesRead))));
      }
      if (bytesRead < block.length) break;
    }
    return loudest === 0 ? SILENCE_DB : Math.max(SILENCE_DB, 10 * Math.log10(loudest / 32_768 ** 2));
  } finally {
    await file.close();
  }
}

function meanSquare(pcm: Buffer): number {
  const samples = pcm.length >> 1;
  let sum = 0;
  for (let k = 0; k < samples; k++) sum += pcm.readInt16LE(2 * k) ** 2;
  return sum / samples;
}
