import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SoundstageError } from '@soundstage/core';
import { decodeFrames, type DecodedFrame, type DecodeFramesOptions } from './decode-frames.js';

/** A folder for one test file; removed by `remove`. */
export function testFolder(): {
  path: (name: string) => string;
  list: () => string[];
  root: string;
  remove: () => void;
} {
  const root = mkdtempSync(join(tmpdir(), 'soundstage-media-test-'));
  return {
    root,
    path: (name) => join(root, name),
    list: () => readdirSync(root),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Runs ffmpeg plainly to make media for a test. */
export function makeMedia(...args: string[]): void {
  const result = spawnSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', ...args], {
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`ffmpeg ${args.join(' ')}\n${result.stderr}`);
}

/** A picture whose grey tells the number of the frame: 20 + 2 × n of 16 to 235. */
export function countingPicture(frames: number, options: { rate?: number; size?: string } = {}): string[] {
  const { rate = 25, size = '64x48' } = options;
  const source = `nullsrc=s=${size}:r=${rate}:d=${frames / rate},format=yuv420p,geq=lum='20+2*N':cb=128:cr=128`;
  return ['-f', 'lavfi', '-i', source];
}

export const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '10', '-pix_fmt', 'yuv420p'];
/** H.264 with pictures that refer to later ones, so that decoding and showing differ in order. */
export const H264_B = ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-crf', '10', '-pix_fmt', 'yuv420p'];

export function sine(durationS: number, frequencyHz = 440): string[] {
  return ['-f', 'lavfi', '-i', `sine=f=${frequencyHz}:r=48000:d=${durationS}`];
}

/** The view that reads a counting picture. */
export const COUNTING_VIEW = { name: 'count', width: 16, height: 16, pixelFormat: 'gray' } as const;

/** The number that a frame of a counting picture tells. */
export function frameNumber(frame: DecodedFrame): number {
  const middle = frame.data[8 * 16 + 8] as number;
  // Limited range (16–235) was widened to full range on the way.
  return Math.round(((middle / 255) * 219 + 16 - 20) / 2);
}

export async function allFrames(
  path: string,
  options: Omit<DecodeFramesOptions, 'views'> & { views?: DecodeFramesOptions['views'] } = {},
): Promise<DecodedFrame[]> {
  const frames: DecodedFrame[] = [];
  for await (const frame of decodeFrames(path, { views: [COUNTING_VIEW], ...options })) frames.push(frame);
  return frames;
}

/** The SoundstageError that a promise fails with; anything else fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<SoundstageError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SoundstageError) return error;
    throw error;
  }
  throw new Error('it succeeded');
}

/** Process ids of this process's children that run ffmpeg or ffprobe. */
export function ffmpegChildren(): number[] {
  const own = String(process.pid);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        const [, name, parent] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
        return parent === own && /^ff(mpeg|probe)$/.test(name ?? '');
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Stereo clicks at the given times, as blocks. */
export function* clicks(timesS: readonly number[], durationS: number, sampleRateHz = 48_000): Generator<Float32Array> {
  const samples = new Float32Array(Math.round(durationS * sampleRateHz) * 2);
  for (const timeS of timesS)
    samples.fill(0.8, 2 * Math.round(timeS * sampleRateHz), 2 * Math.round(timeS * sampleRateHz) + 2);
  for (let at = 0; at < samples.length; at += 8192) yield samples.subarray(at, at + 8192);
}
