import { execFileSync } from 'node:child_process';

/**
 * Draws a film in which a light goes on for a tenth of every second, and a click that comes so many ms after it. H.264
 * and AAC in mp4. @param offsetMs at least 0
 */
export function makeFilm(path: string, { durationS, offsetMs = 0 }: { durationS: number; offsetMs?: number }): void {
  const late = offsetMs / 1000;
  const picture = `color=c=0x203030:s=320x180:r=25:d=${durationS},drawbox=x=130:y=60:w=60:h=60:c=0xff6a58:t=fill:enable='lt(mod(t,1),0.1)'`;
  const sound = `aevalsrc='if(lt(mod(t-${late}+1,1),0.03),sin(2*PI*1200*t),0)':s=48000:d=${durationS}`;
  ffmpeg('-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', sound, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', path);
}

/** One picture of a film as a JPEG. */
export function makeStill(film: string, timeS: number): Uint8Array {
  return ffmpeg('-ss', String(timeS), '-i', film, '-frames:v', '1', '-f', 'image2pipe', '-c:v', 'mjpeg', '-');
}

function ffmpeg(...args: string[]): Buffer {
  return execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { maxBuffer: 64 * 2 ** 20 });
}
