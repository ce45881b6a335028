import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile, type MediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { probeFile } from './probe.js';
import { startProcess } from './process.js';
import { clockOf } from './timeline.js';

export interface JpegStillsOptions {
  /** When, in seconds after the file's zero, in any order. A still image has one picture, whatever the time. */
  timesS: readonly number[];
  /** The stills fit into a square of this many pixels; smaller pictures keep their size. */
  sidePixels: number;
  /** What `probe` told about this file. Without it the file is probed first. */
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  signal?: AbortSignal | undefined;
}

/** A small JPEG of 320 pixels has some 15 kB; a thousand times that is none of ours. */
const MOST_JPEG_BYTES = 16 * 2 ** 20;
const MOST_SIDE_PIXELS = 4096;

/**
 * Pictures of a video at given times as JPEG, upright and with square pixels: in each case the picture that players
 * show then. A time behind the last picture gives the last one that can be decoded, or undefined where there is none.
 *
 * Errors: as `probe`, and BAD_INPUT where there is no picture; DEADLINE_EXCEEDED.
 */
export async function jpegStills(path: string, options: JpegStillsOptions): Promise<(Uint8Array | undefined)[]> {
  const limits = withDefaults(options.limits);
  const { sidePixels, timesS } = options;
  if (!(Number.isInteger(sidePixels) && sidePixels >= 2 && sidePixels <= MOST_SIDE_PIXELS))
    throw badInput(`sidePixels must be a whole number from 2 to ${MOST_SIDE_PIXELS}.`, 'sidePixels');
  if (timesS.some((timeS) => !(Number.isFinite(timeS) && timeS >= 0)))
    throw badInput('timesS must be 0 or more.', 'timesS');
  const file = await openMediaFile(path, limits.bytes);
  try {
    const info = options.info ?? (await probeFile(file, limits, options.signal));
    if (info.video === undefined) throw badInput(`${file.name} has no picture.`, 'path');
    const stills: (Uint8Array | undefined)[] = [];
    for (const timeS of timesS) stills.push(await stillAt(file, info, timeS, { ...options, limits }));
    return stills;
  } finally {
    await file.handle.close();
  }
}

async function stillAt(
  file: MediaFile,
  info: MediaInfo,
  timeS: number,
  options: { sidePixels: number; limits: MediaLimits; signal?: AbortSignal | undefined },
): Promise<Uint8Array | undefined> {
  const { sidePixels, limits, signal } = options;
  const video = info.video as NonNullable<MediaInfo['video']>;
  // ffmpeg's seek gives the first picture at or behind a time; players show the one before it until then.
  const frameS = video.frameRate > 0 ? 1 / video.frameRate : 0;
  const lastS = Math.max(0, video.startS + video.durationS - frameS);
  const seekS = info.still ? 0 : Math.max(0, Math.min(timeS, lastS) - frameS / 2);
  const clock = clockOf(info, seekS > 0 ? { startS: seekS } : {});
  const child = await startProcess({
    program: 'ffmpeg',
    args: ffmpegArguments({
      inputs: [
        {
          options: [...guardOptions(limits), ...['-threads', '1', '-an', '-sn', '-dn'], ...clock.inputOptions],
          url: 'file:/dev/fd/3',
        },
      ],
      filterGraph: [
        `[0:${video.index}]scale=max(2\\,trunc(iw*sar)):ih,setsar=1`,
        `scale=min(${sidePixels}\\,iw):min(${sidePixels}\\,ih):force_original_aspect_ratio=decrease:flags=area`,
        'format=yuvj420p[out]',
      ].join(','),
      outputs: [
        {
          options: ['-map', '[out]', '-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '5', '-f', 'image2pipe'],
          url: 'pipe:4',
        },
      ],
    }),
    files: [file],
    pipes: 1,
    timeLimitS: 30,
    limits,
    subject: file.name,
    signal,
  });
  const parts: Buffer[] = [];
  let bytes = 0;
  child.pipes[0]!.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes <= MOST_JPEG_BYTES) parts.push(part);
  });
  await child.done;
  return bytes === 0 || bytes > MOST_JPEG_BYTES ? undefined : Uint8Array.from(Buffer.concat(parts));
}
