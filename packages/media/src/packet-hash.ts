import { createHash } from 'node:crypto';
import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import type { VideoInfo } from './media-info.js';
import { probeFile } from './probe.js';
import { startProcess } from './process.js';

export interface PacketOptions {
  limits?: Partial<MediaLimits> | undefined;
  signal?: AbortSignal | undefined;
}

/** Times that are rounded to milliseconds, as Matroska's are, differ by no more, seconds. */
const SAME_TIME_S = 0.0021;

/**
 * SHA-256 (hex) over all packets of the picture, in file order and without times: equal for two files whose picture was
 * copied bit for bit. (Between MP4 and MPEG-TS the same picture is framed differently.)
 */
export async function hashVideoPackets(path: string, options: PacketOptions = {}): Promise<string> {
  return (await readPackets(path, options)).sha256;
}

/**
 * By how many seconds later a file shows the very pictures that another shows: the same packets, with the same times
 * between them. Undefined where they differ, or where that can't be told.
 */
export async function pictureMovedBy(
  from: string,
  to: string,
  options: PacketOptions = {},
): Promise<number | undefined> {
  const [one, other] = await Promise.all([readPackets(from, options), readPackets(to, options)]);
  if (one.sha256 !== other.sha256) return undefined;
  const apart = other.timesS[0]! - one.timesS[0]!;
  const same = one.timesS.every((timeS, n) => Math.abs(other.timesS[n]! - timeS - apart) <= SAME_TIME_S);
  const sameEnd = Math.abs(one.video.durationS - other.video.durationS) <= SAME_TIME_S;
  return same && sameEnd ? other.video.startS - one.video.startS : undefined;
}

/** timesS: when each packet is shown, NaN where it doesn't say, by a clock that begins anywhere. */
async function readPackets(
  path: string,
  options: PacketOptions,
): Promise<{ video: VideoInfo; sha256: string; timesS: number[] }> {
  const limits = withDefaults(options.limits);
  const file = await openMediaFile(path, limits.bytes);
  try {
    const { video, durationS } = await probeFile(file, limits, options.signal);
    if (video === undefined) throw badInput(`${file.name} has no picture.`, 'path');
    const hash = createHash('sha256');
    const timesS: number[] = [];
    let tickS = NaN;
    const child = await startProcess({
      program: 'ffmpeg',
      args: ffmpegArguments({
        inputs: [{ options: guardOptions(limits), url: 'file:/dev/fd/3' }],
        outputs: [{ options: ['-map', `0:${video.index}`, '-c', 'copy', '-f', 'framemd5'], url: 'pipe:1' }],
      }),
      files: [file],
      timeLimitS: 60 + durationS,
      limits,
      subject: file.name,
      signal: options.signal,
      onOutputLine(line) {
        const base = /^#tb 0: (\d+)\/(\d+)/.exec(line);
        if (base) tickS = Number(base[1]) / Number(base[2]);
        if (line === '' || line.startsWith('#')) return;
        // stream, dts, pts, duration, size, hash
        const [, , pts, , size, md5] = line.split(',').map((field) => field.trim());
        hash.update(`${size} ${md5}\n`);
        timesS.push(Number(pts) * tickS);
      },
    });
    await child.done;
    if (timesS.length === 0) throw badInput(`${file.name} has no picture that can be hashed.`, 'path');
    return { video, sha256: hash.digest('hex'), timesS };
  } finally {
    await file.handle.close();
  }
}
