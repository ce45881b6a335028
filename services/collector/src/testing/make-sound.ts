import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
// Under jest each look at a global takes long.
const { exp, sin } = Math;

/** Notes that are struck and fade, at times and pitches like those of no other seed. */
export async function makeSound(path: string, seed: number, seconds = 8): Promise<void> {
  const rateHz = 44_100;
  const samples = new Float32Array(seconds * rateHz);
  let state = seed;
  const random = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
  for (let note = 0; note < 6 * seconds; note++) {
    const at = Math.floor(random() * samples.length);
    const hz = 300 * 6 ** random();
    const fadeS = 0.1 + 0.4 * random();
    const end = Math.min(samples.length, at + 5 * fadeS * rateHz);
    for (let n = at; n < end; n++) {
      const t = (n - at) / rateHz;
      samples[n]! += 0.08 * exp(-t / fadeS) * sin(2 * Math.PI * hz * t);
    }
  }
  await writeFile(`${path}.f32`, new Uint8Array(samples.buffer));
  await run('ffmpeg', ['-v', 'error', '-f', 'f32le', '-ar', String(rateHz), '-ac', '1', '-i', `${path}.f32`, path]);
  await rm(`${path}.f32`);
}
