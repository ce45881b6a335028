import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface TestClip {
  seconds: number;
  frameRate?: number;
  /** `320x240` for example. */
  size?: string;
  sound?: boolean;
  /** Another seed gives another picture. */
  seed?: number;
}

/** Makes a small clip with ffmpeg: a picture that moves and, if wanted, a tone. */
export async function makeTestClip(
  path: string,
  { seconds, frameRate = 25, size = '160x96', sound = true, seed = 0 }: TestClip,
): Promise<void> {
  await promisify(execFile)(process.env.SOUNDSTAGE_FFMPEG ?? 'ffmpeg', [
    ...['-v', 'error', '-nostdin', '-y'],
    ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${frameRate}:duration=${seconds},hue=h=${seed}`],
    ...(sound ? ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=44100:duration=${seconds}`] : []),
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', ...(sound ? ['-c:a', 'aac'] : []), path],
  ]);
}
