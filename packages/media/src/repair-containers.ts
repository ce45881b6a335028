import { extname } from 'node:path';
import { outputContainer, type OutputContainer } from './containers.js';
import type { MediaInfo } from './media-info.js';

/** A container that repaired videos are written in, and what goes in as it is. */
export interface RepairContainer {
  extension: string;
  muxer: string;
  family: 'mov' | 'matroska' | 'avi';
  /** What `muxSound` knows of it, for subtitles; AVI has none. */
  common: OutputContainer | undefined;
  carriesPicture(codec: string): boolean;
  carriesSound(codec: string): boolean;
  carriesData(stream: { codec: string; tag: string }): boolean;
  carriesCovers: boolean;
  carriesAttachments: boolean;
  copiesOwnSubtitles: boolean;
  /** Whether a file is of this very kind. */
  sameKindAs(info: MediaInfo): boolean;
}

const PCM = /^pcm_(s16|s24|s32|f32|f64)(le|be)$|^pcm_(u8|s8|mulaw|alaw)$/;
const SOUNDS: Record<string, (codec: string) => boolean> = {
  mp4: (codec) => ['aac', 'mp3', 'mp2', 'ac3', 'eac3', 'opus', 'flac', 'alac', 'dts'].includes(codec),
  mov: (codec) => PCM.test(codec) || ['aac', 'mp3', 'ac3', 'eac3', 'alac'].includes(codec),
  matroska: (codec) => codec !== 'unknown',
  webm: (codec) => codec === 'opus' || codec === 'vorbis',
  avi: (codec) => /^pcm_(u8|s16le|s24le|s32le|f32le)$/.test(codec),
};
const AVI_PICTURES = ['mpeg4', 'msmpeg4v3', 'msmpeg4v2', 'h263', 'mjpeg', 'mpeg1video', 'mpeg2video', 'rawvideo'];
const AVI_PICTURES_ALL: ReadonlySet<string> = new Set([...AVI_PICTURES, 'dvvideo', 'ffv1', 'huffyuv', 'h264']);

/**
 * The container that the path of a repaired video asks for: what `muxSound` writes (.mp4, .mov, .mkv, .webm), and .avi
 * for an AVI. Throws BAD_INPUT with the extensions to choose from.
 */
export function repairContainer(outputPath: string, info: MediaInfo): RepairContainer {
  if (extname(outputPath).toLowerCase() === '.avi' && info.container === 'avi') return AVI;
  const common = outputContainer(outputPath, info);
  return repairing(common);
}

/** The extension that suits a repaired video: that of its own kind where picture and sound can stay as they are. */
export function defaultRepairExtension(info: MediaInfo): string {
  const fit = fittingContainers(info, info.audio?.codec ?? 'unknown');
  return (fit.find((container) => container.sameKindAs(info)) ?? fit[0])?.extension ?? '.mkv';
}

/** The extensions that take a file's picture and this sound as they are, for errors. */
export function fittingExtensions(info: MediaInfo, soundCodec: string): string {
  const fit = fittingContainers(info, soundCodec);
  return fit.map((container) => container.extension).join(' or ') || '.mkv';
}

function fittingContainers(info: MediaInfo, soundCodec: string): RepairContainer[] {
  return ['.mp4', '.mov', '.mkv', '.webm', ...(info.container === 'avi' ? ['.avi'] : [])].flatMap((extension) => {
    try {
      const container = repairContainer(`x${extension}`, info);
      return container.carriesPicture(info.video?.codec ?? 'unknown') && container.carriesSound(soundCodec)
        ? [container]
        : [];
    } catch {
      return [];
    }
  });
}

const AVI: RepairContainer = {
  extension: '.avi',
  muxer: 'avi',
  family: 'avi',
  common: undefined,
  carriesPicture: (codec) => AVI_PICTURES_ALL.has(codec),
  carriesSound: SOUNDS['avi'] as (codec: string) => boolean,
  carriesData: () => false,
  carriesCovers: false,
  carriesAttachments: false,
  copiesOwnSubtitles: false,
  sameKindAs: (info) => info.container === 'avi',
};

function repairing(common: OutputContainer): RepairContainer {
  const { muxer, extension } = common;
  const mov = muxer === 'mp4' || muxer === 'mov';
  return {
    extension,
    muxer,
    family: mov ? 'mov' : 'matroska',
    common,
    carriesPicture: (codec) => common.pictures === 'all' || common.pictures.has(codec),
    carriesSound: SOUNDS[muxer] as (codec: string) => boolean,
    carriesData: ({ tag }) => mov && tag === 'gpmd',
    carriesCovers: muxer === 'mp4' || muxer === 'matroska',
    carriesAttachments: muxer === 'matroska',
    copiesOwnSubtitles: true,
    sameKindAs: (info) => info.container === muxer,
  };
}
