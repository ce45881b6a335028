import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const RATE_HZ = 48_000;

/** What a file sounds like: mono, 48 kHz. */
export async function soundOf(path: string): Promise<Float32Array> {
  const { stdout } = await promisify(execFile)(
    'ffmpeg',
    ['-v', 'error', '-nostdin', '-i', path, '-map', '0:a', '-ac', '1', '-ar', String(RATE_HZ), '-f', 'f32le', '-'],
    { encoding: 'buffer', maxBuffer: 256 * 2 ** 20 },
  );
  return new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.byteLength));
}

/** Root mean square of a span that begins at a time. */
export function loudnessAt(sound: Float32Array, timeS: number, lengthS = 0.03): number {
  const from = Math.round(timeS * RATE_HZ);
  const span = sound.subarray(from, from + Math.round(lengthS * RATE_HZ));
  return Math.sqrt(span.reduce((sum, x) => sum + x * x, 0) / Math.max(1, span.length));
}
