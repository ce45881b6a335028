import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A picture in which a bright box falls, hits the ground and rises again, once a second. */
export function bouncingBox(options: { durationS?: number; size?: string; rate?: number } = {}): string[] {
  const { durationS = 3, size = '320x240', rate = 25 } = options;
  const box = "drawbox=x=iw/2-20:y='(ih-40)*abs(sin(PI*t))':w=40:h=40:color=white:t=fill";
  return ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=${durationS},eq=contrast=0.3,${box}`];
}

/** Runs ffmpeg plainly to make media for a test. @returns the file's bytes */
export function makeVideo(path: string, ...args: string[]): Buffer {
  execFileSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', ...args, '-bitexact', path]);
  return readFileSync(path);
}

export const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25'];
