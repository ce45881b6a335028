import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs ffmpeg or its probe. @returns what it printed @throws Error with what it complained about */
export async function runFfmpeg(args: string[], program: 'ffmpeg' | 'ffprobe' = 'ffmpeg'): Promise<string> {
  const quiet = program === 'ffmpeg' ? ['-v', 'error', '-nostdin', '-y'] : ['-v', 'error'];
  const { stdout } = await promisify(execFile)(program, [...quiet, ...args], { maxBuffer: 64 * 2 ** 20 });
  return stdout;
}
