import { extname } from 'node:path';
import { badInput } from '@soundstage/core';
import type { MediaInfo } from './media-info.js';

/** A container that finished videos are written in. */
export interface OutputContainer {
  extension: '.mp4' | '.mov' | '.mkv' | '.webm';
  muxer: 'mp4' | 'mov' | 'matroska' | 'webm';
  /** Picture codecs that go in without being coded again. */
  pictures: ReadonlySet<string> | 'all';
  /** Codec for subtitles that are text. */
  textSubtitles: 'mov_text' | 'srt' | 'webvtt';
  /** Subtitle codecs that go in as they are. */
  copiedSubtitles: ReadonlySet<string>;
}

const MP4_PICTURES = ['h264', 'hevc', 'av1', 'vp9', 'mpeg4', 'mpeg2video', 'mpeg1video', 'mjpeg', 'png'];
const MOV_PICTURES = [
  'h264',
  'hevc',
  'mpeg4',
  'mpeg2video',
  'mjpeg',
  'png',
  'prores',
  'dnxhd',
  'h263',
  'qtrle',
  'rawvideo',
  'dvvideo',
];

const CONTAINERS: readonly OutputContainer[] = [
  {
    extension: '.mp4',
    muxer: 'mp4',
    pictures: new Set(MP4_PICTURES),
    textSubtitles: 'mov_text',
    copiedSubtitles: new Set(['mov_text']),
  },
  {
    extension: '.mov',
    muxer: 'mov',
    pictures: new Set(MOV_PICTURES),
    textSubtitles: 'mov_text',
    copiedSubtitles: new Set(['mov_text']),
  },
  {
    extension: '.webm',
    muxer: 'webm',
    pictures: new Set(['vp8', 'vp9', 'av1']),
    textSubtitles: 'webvtt',
    copiedSubtitles: new Set(['webvtt']),
  },
  {
    extension: '.mkv',
    muxer: 'matroska',
    pictures: 'all',
    textSubtitles: 'srt',
    copiedSubtitles: new Set([
      'subrip',
      'srt',
      'ass',
      'ssa',
      'webvtt',
      'hdmv_pgs_subtitle',
      'dvd_subtitle',
      'dvb_subtitle',
    ]),
  },
];
const TEXT_SUBTITLES: ReadonlySet<string> = new Set(['mov_text', 'subrip', 'srt', 'ass', 'ssa', 'webvtt', 'text']);
const EXTENSION_OF_CONTAINER: Record<string, string> = { mp4: '.mp4', mov: '.mov', matroska: '.mkv', webm: '.webm' };

export type OutputExtension = OutputContainer['extension'];

/** The extension of a finished video for this input: its own container where we write that, else one that fits. */
export function defaultOutputExtension(info: MediaInfo): OutputExtension {
  if (info.still) return '.mp4'; // of makeStillVideo()
  const own = CONTAINERS.find((container) => container.extension === EXTENSION_OF_CONTAINER[info.container]);
  const codec = info.video?.codec ?? 'h264';
  if (own !== undefined && carries(own, codec)) return own.extension;
  return (CONTAINERS.find((container) => carries(container, codec)) as OutputContainer).extension;
}

/**
 * The container that an output path asks for by its extension.
 * Throws BAD_INPUT naming the extensions to choose from where it is unknown or can't carry this picture as it is; and as
 * `checkOrderTold`.
 */
export function outputContainer(outputPath: string, info: MediaInfo): OutputContainer {
  const extension = extname(outputPath).toLowerCase();
  const container = CONTAINERS.find((each) => each.extension === (extension === '.m4v' ? '.mp4' : extension));
  if (container === undefined) {
    throw badInput(
      `“${extension}” isn't a kind of video that is written: name the output ${fitting(info)}.`,
      'outputPath',
    );
  }
  const codec = info.video?.codec ?? 'unknown';
  if (!carries(container, codec)) {
    throw badInput(
      `${container.extension} can't carry the picture of ${info.name} (${codec}) as it is: name the output ${fitting(info)}.`,
      'outputPath',
    );
  }
  checkOrderTold(info);
  return container;
}

/**
 * Throws BAD_INPUT for H.264 and HEVC in AVI whose pictures refer to later ones: AVI doesn't tell when those are shown,
 * and ffmpeg guesses wrong, so that other containers would show them in the wrong order.
 */
export function checkOrderTold({ name, video }: MediaInfo): void {
  if (video?.orderUntold !== true) return;
  throw badInput(
    `${name} doesn't tell when its pictures are shown (${video.codec} with B-frames in AVI): convert it to .mp4 first.`,
    'path',
  );
}

/** What to do with a stream of subtitles: copy, convert to a codec, or leave out (undefined). */
export function subtitleCodec(container: OutputContainer, codec: string): string | undefined {
  if (container.copiedSubtitles.has(codec)) return 'copy';
  return TEXT_SUBTITLES.has(codec) ? container.textSubtitles : undefined;
}

function carries(container: OutputContainer, codec: string): boolean {
  return container.pictures === 'all' ? codec !== 'unknown' : container.pictures.has(codec);
}

function fitting(info: MediaInfo): string {
  const fit = CONTAINERS.filter((container) => carries(container, info.video?.codec ?? 'unknown'));
  return fit.map((container) => container.extension).join(' or ') || '.mkv';
}
