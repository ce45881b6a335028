import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoClip } from '@soundstage/inference';
import { decodeAudio } from '@soundstage/media';

export const MAIN = new URL('../main.js', import.meta.url).pathname;

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

export interface TestFolder {
  root: string;
  path: (name: string) => string;
  /** Runs the real command in this folder. */
  soundstage: (args: string[], options?: { env?: Record<string, string>; input?: string }) => Promise<Run>;
  remove: () => void;
}

/** A folder for one test file. */
export function testFolder(): TestFolder {
  const root = mkdtempSync(join(tmpdir(), 'soundstage-cli-'));
  return {
    root,
    path: (name) => join(root, name),
    soundstage: (args, { env = {}, input } = {}) =>
      new Promise<Run>((resolve) => {
        const surroundings = { ...process.env, NODE_OPTIONS: '', SOUNDSTAGE_HOME: join(root, 'home'), ...env };
        const child = execFile(
          process.execPath,
          [MAIN, ...args],
          { cwd: root, env: surroundings },
          (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
        );
        child.stdin?.on('error', () => undefined).end(input);
      }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Runs ffmpeg plainly to make media for a test. */
export function makeMedia(...args: string[]): void {
  execFileSync('ffmpeg', ['-loglevel', 'error', '-nostdin', '-y', ...args]);
}

/** Two small seconds of the real clip, so that each run is short. */
export function makeClip(path: string): void {
  const small = ['-vf', 'scale=320:-2', '-an', '-c:v', 'libx264', '-preset', 'ultrafast'];
  makeMedia('-t', '2', '-i', demoClip.path, ...small, path);
}

export const SAMPLE_RATE_HZ = 48_000;

/** The sound of a finished video, mixed down. */
export async function soundOf(path: string): Promise<Float32Array> {
  const blocks: Float32Array[] = [];
  for await (const block of decodeAudio(path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 1 })) blocks.push(block);
  const sound = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    sound.set(block, at);
    at += block.length;
  }
  return sound;
}

/** When a sound first rises above a tenth of its loudest sample, in seconds. */
export function attackOf(sound: Float32Array): number {
  const loudest = sound.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return sound.findIndex((sample) => Math.abs(sample) > loudest / 10) / SAMPLE_RATE_HZ;
}
