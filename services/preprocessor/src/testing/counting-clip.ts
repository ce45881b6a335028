import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { decodeAudio, decodeFrames } from '@soundstage/media';

const run = (...args: string[]) =>
  promisify(execFile)(process.env.SOUNDSTAGE_FFMPEG ?? 'ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);

/** Runs ffmpeg to make a clip for a test. */
export const makeClip = run;

export interface CountingClip {
  seconds: number;
  frameRate: number;
  /** When a pulse of sound begins; it lasts half a second. */
  pulseS: number;
  size?: string;
}

/** A clip whose frames tell their number, up to 287, and whose sound is a pulse. */
export async function makeCountingClip(
  path: string,
  { seconds, frameRate, pulseS, size = '128x96' }: CountingClip,
): Promise<void> {
  const number = "lum='20+12*if(lt(X,W/2),mod(N,16),floor(N/16))':cb=128:cr=128";
  await run(
    ...['-f', 'lavfi', '-i', `nullsrc=s=${size}:r=${frameRate}:d=${seconds},format=yuv420p,geq=${number}`],
    ...['-f', 'lavfi', '-i', `aevalsrc='if(between(t,${pulseS},${pulseS + 0.4999999}),0.5,0)':s=48000:d=${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-crf', '10', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'pcm_s16le', path],
  );
}

/** The number that each frame of a counting clip tells. */
export async function frameNumbers(path: string): Promise<number[]> {
  const numbers: number[] = [];
  const view = { name: 'count', width: 32, height: 16, pixelFormat: 'gray' } as const;
  for await (const { data } of decodeFrames(path, { views: [view] })) {
    // Limited range (16–235) was widened to full range on the way.
    const level = (column: number) => Math.round(((data[8 * 32 + column]! / 255) * 219 + 16 - 20) / 12);
    numbers.push(level(8) + 16 * level(24));
  }
  return numbers;
}

/** Where the pulse begins and ends, in samples; undefined where it isn't heard. */
export async function pulseEdges(path: string, sampleRateHz: number) {
  let at = 0;
  let first: number | undefined;
  let last: number | undefined;
  for await (const block of decodeAudio(path, { sampleRateHz, channels: 1 })) {
    block.forEach((value, n) => {
      if (value <= 0.25) return;
      first ??= at + n;
      last = at + n;
    });
    at += block.length;
  }
  return { first, last, samples: at };
}
