import { badInput, SoundstageError } from '@soundstage/core';
import { decodeFrames } from './decode-frames.js';
import type { MediaLimits } from './limits.js';
import type { MediaInfo } from './media-info.js';
import { probe } from './probe.js';
import type { FileHeads } from './repair-streams.js';
import type { RepairContainer } from './repair-containers.js';

/** Containers whose packets may lack presentation times. */
const NEEDS_TIMES: ReadonlySet<string> = new Set(['avi', 'mpegts', 'mpeg', 'asf', 'flv']);

/** Whether ffmpeg has to guess when pictures of this file are shown. */
export function lacksTimes(info: MediaInfo): boolean {
  return NEEDS_TIMES.has(info.container);
}

/** Options before `-i` of a repaired file's input: its clock is moved, and missing times are found. */
export function movedInput(info: MediaInfo, byS: number): string[] {
  return [...(byS === 0 ? [] : ['-itsoffset', byS.toFixed(6)]), ...(lacksTimes(info) ? ['-fflags', '+genpts'] : [])];
}

/** Options of a repaired file's output, after its maps. */
export function repairedOutput(container: RepairContainer, heads: FileHeads): string[] {
  const flags = heads.quicktimeKeys ? '+faststart+use_metadata_tags' : '+faststart';
  return [
    ...['-map_metadata', '0', '-map_chapters', '0', '-copyinkf', '-copy_unknown'],
    // The same input gives the same bytes: no random ids, no versions.
    ...['-fflags', '+bitexact', '-max_muxing_queue_size', '8192', '-max_interleave_delta', '15000000'],
    // Edit lists count in the movie's time scale: a fine one keeps the sound's place to the sample.
    ...(container.family === 'mov' ? ['-movflags', flags, '-movie_timescale', '48000'] : []),
    // Left to itself, ffmpeg would move the picture, too.
    ...(container.family === 'matroska' ? ['-avoid_negative_ts', 'disabled'] : []),
    ...['-progress', 'pipe:1', '-f', container.muxer],
  ];
}

/** Looks at what was written before it gets its name: a full disk or a container's limits can spoil it in silence. */
export async function checkRepaired(
  path: string,
  info: MediaInfo,
  container: RepairContainer,
  limits: MediaLimits,
  signal: AbortSignal | undefined,
): Promise<MediaInfo> {
  const output = await probe(path, { limits: { ...limits, bytes: Infinity, seconds: Infinity }, signal });
  if (output.audio === undefined) {
    throw new SoundstageError('INTERNAL', `The repaired video of ${info.name} lacks its sound.`);
  }
  if (output.video === undefined) {
    throw badInput(
      `The picture of ${info.name} is too damaged to be copied: repair or convert the video first.`,
      'path',
    );
  }
  if (output.video.rotationDegrees !== info.video?.rotationDegrees) {
    throw badInput(
      `${container.extension} can't carry the rotation of ${info.name} with this ffmpeg: name the output .mp4 or .mov.`,
      'outputPath',
    );
  }
  return output;
}

/** When the first picture that decoding yields is shown, in seconds after the file's zero. */
export async function firstPictureS(
  path: string,
  info: MediaInfo,
  limits: MediaLimits,
  signal: AbortSignal | undefined,
): Promise<number> {
  const view = { name: 'first', width: 16, height: 16, pixelFormat: 'gray' } as const;
  for await (const frame of decodeFrames(path, {
    views: [view],
    info,
    limits,
    signal,
    durationS: info.video!.startS + 2,
  }))
    return frame.timeS;
  throw badInput(`No picture of ${info.name} can be decoded.`, 'path');
}

/** Reads `-progress` lines. */
export function progressOf(endS: number, onProgress: ((share: number) => void) | undefined) {
  return (line: string) => {
    const doneUs = /^out_time_us=(\d+)$/.exec(line)?.[1];
    if (doneUs !== undefined && endS > 0) onProgress?.(Math.min(1, Number(doneUs) / 1e6 / endS));
  };
}
