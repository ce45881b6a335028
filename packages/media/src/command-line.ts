import ffmpeg from 'fluent-ffmpeg';
import type { MediaLimits } from './limits.js';

/**
 * Demuxers that may open a file. Playlists (hls, dash, concat, sdp, …) aren't among them, since they open other files
 * and addresses (CVE-2016-1897, CVE-2017-9993); neither are `image2`, which takes a name for a pattern, and svg.
 */
export const ALLOWED_DEMUXERS =
  'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,wav,w64,aiff,flac,mp3,aac,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe';

/** The largest single block of memory that ffmpeg may ask for: a picture of 8192×8192 with 16 bits a channel. */
const MAX_BLOCK_BYTES = 2 ** 30;

/** Options of every ffmpeg and ffprobe call before its inputs. */
export function globalOptions(logLevel: 'error' | 'info'): string[] {
  return ['-hide_banner', '-loglevel', logLevel, '-max_alloc', String(MAX_BLOCK_BYTES)];
}

/** Options before each `-i` of media from outside: local files only, known kinds only, few streams, few pixels. */
export function guardOptions(limits: MediaLimits): string[] {
  return [
    ['-protocol_whitelist', 'file,pipe'],
    ['-format_whitelist', ALLOWED_DEMUXERS],
    ['-max_streams', String(limits.streams)],
    ['-max_pixels', String(limits.pixels)],
  ].flat();
}

/** An input or output of ffmpeg: its options and its address (`file:/dev/fd/3`, `pipe:4`, `file:/folder/name`). */
export interface Target {
  options: readonly string[];
  url: string;
}

export interface FfmpegCommand {
  inputs: readonly Target[];
  /** Filter graph over all inputs. */
  filterGraph?: string;
  outputs: readonly Target[];
  /** 'info' only where the log is read frame by frame. */
  logLevel?: 'error' | 'info';
  /** Threads of the filters. */
  filterThreads?: number;
}

/** The argument list of an ffmpeg call. It is built by fluent-ffmpeg, which never runs anything. */
export function ffmpegArguments(command: FfmpegCommand): string[] {
  const builder = ffmpeg();
  for (const input of command.inputs) addOptions(builder.input(input.url), 'inputOptions', input.options);
  for (const output of command.outputs) addOptions(builder.output(output.url), 'outputOptions', output.options);
  const threads = String(command.filterThreads ?? 1);
  return [
    ...globalOptions(command.logLevel ?? 'error'),
    ...['-nostdin', '-nostats', '-y', '-filter_threads', threads, '-filter_complex_threads', threads],
    ...(command.filterGraph ? ['-filter_complex', command.filterGraph] : []),
    ...(builder as unknown as { _getArguments(): string[] })._getArguments(),
  ];
}

/** fluent-ffmpeg splits an option at its space if it comes alone, so options always come with company. */
function addOptions(
  builder: ffmpeg.FfmpegCommand,
  method: 'inputOptions' | 'outputOptions',
  options: readonly string[],
) {
  if (options.length === 0) return;
  if (options.length === 1) throw new RangeError('an option needs its value');
  builder[method](...options);
}
