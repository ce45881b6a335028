import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { badInput } from '@soundstage/core';
import {
  checkOrderTold,
  decodeAudio,
  decodeFrames,
  DEFAULT_LIMITS,
  makeStillVideo,
  measureLoudness,
  probe,
  type MediaInfo,
  type VideoInfo,
} from '@soundstage/media';
import type { MotionFollower } from './see/motion.js';
import { SAMPLE_RATE_HZ } from './render/sample-rate.js';
import type { Watcher } from './see/what.js';

/** A video or still image that can be given sound. */
export interface Clip {
  path: string;
  info: MediaInfo;
  video: VideoInfo;
  /** Length of the picture, and so of the soundtrack; of a still image, the length that was asked for. */
  durationS: number;
  /** Loudness of the sound that it brings; undefined where none can be heard. */
  originalLufs: number | undefined;
  warnings: string[];
}

/** Below this a sound track counts as silent: dither and codec noise lie far below, any recording above. */
const SILENT_DBTP = -60;
const STILL_DURATION_S = 10;
/** As long as a video may be. */
export const LONGEST_STILL_S = DEFAULT_LIMITS.seconds;

/** How much effort goes into looking. */
export type Quality = 'draft' | 'standard';

/** Motion frames a second, and how many frames are recognised: one in so many seconds, but at least so many. */
const EFFORT = {
  draft: { maxFrameRate: 15, everyS: 3, least: 3 },
  standard: { maxFrameRate: 30, everyS: 1, least: 8 },
} as const;

/**
 * Probes the file and refuses what can't be given sound.
 *
 * Throws SoundstageError BAD_INPUT: no picture, one that can't be copied, already sound (unless keepOriginal), a length
 * for a still image that is out of its limits; and what probe() throws.
 */
export async function examine(
  path: string,
  options: {
    keepOriginal?: boolean | undefined;
    stillDurationS?: number | undefined;
    signal?: AbortSignal | undefined;
  },
): Promise<Clip> {
  const info = await probe(path, { signal: options.signal });
  const { video } = info;
  if (video === undefined) throw badInput(`${info.name} has no picture: give a video or an image.`, 'video');
  if (info.still) {
    const durationS = options.stillDurationS ?? STILL_DURATION_S;
    if (!(durationS > 0 && durationS <= LONGEST_STILL_S))
      throw badInput(`A still image can sound for up to ${LONGEST_STILL_S} s, not for ${durationS}.`, 'stillDurationS');
    return { path, info, video, durationS, originalLufs: undefined, warnings: [] };
  }
  checkOrderTold(info);
  const originalLufs = info.audio === undefined ? undefined : await loudnessOf(path, options.signal);
  if (originalLufs !== undefined && options.keepOriginal !== true) {
    throw badInput(
      `${info.name} already has sound. Use --keep-original to mix the new sound under it, or remove its sound track first.`,
      'video',
    );
  }
  const warnings =
    info.audio !== undefined && originalLufs === undefined
      ? [`The sound track of ${info.name} is silent; it was replaced.`]
      : [];
  return { path, info, video, durationS: video.startS + video.durationS, originalLufs, warnings };
}

async function loudnessOf(path: string, signal: AbortSignal | undefined): Promise<number | undefined> {
  const { integratedLufs, truePeakDbtp } = await measureLoudness(path, { signal });
  return truePeakDbtp > SILENT_DBTP ? integratedLufs : undefined;
}

/** The clip's own sound where it is to be kept: interleaved stereo at 48 kHz from the file's zero. */
export function originalSound(clip: Clip, signal?: AbortSignal): AsyncIterable<Float32Array> | undefined {
  if (clip.originalLufs === undefined) return undefined;
  return decodeAudio(clip.path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 2, info: clip.info, signal });
}

/**
 * The clip whose picture is copied beside the sound: for a still image a video of it, which remove() deletes.
 */
export async function pictureToMux(
  clip: Clip,
  signal?: AbortSignal,
): Promise<{ clip: Clip; remove: () => Promise<void> }> {
  if (!clip.info.still) return { clip, remove: async () => undefined };
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-still-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'still.mp4');
    await makeStillVideo({ path: clip.path, durationS: clip.durationS, outputPath: path, signal });
    const info = await probe(path, { signal });
    return { clip: { ...clip, path, info, video: info.video! }, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Decodes the clip once, for all models: small grey frames for motion, a few larger ones for what is seen. The models
 * run while ffmpeg decodes what comes next.
 */
export async function watchClip(
  clip: Clip,
  to: { motion: MotionFollower; watcher: Watcher | undefined },
  quality: Quality,
  options: { signal?: AbortSignal | undefined; onProgress?: ((timeS: number) => void) | undefined },
): Promise<void> {
  const { maxFrameRate, everyS, least } = EFFORT[quality];
  const count = clip.info.still ? 1 : Math.max(least, Math.ceil(clip.durationS / everyS));
  const stills =
    to.watcher === undefined
      ? []
      : [
          { name: 'classifier', width: 224, height: 224, pixelFormat: 'rgb24' as const, count },
          { name: 'detector', width: 416, height: 416, pixelFormat: 'rgb24' as const, count },
        ];
  const views = [{ name: 'motion', width: 160, height: 96, pixelFormat: 'gray' as const, maxFrameRate }, ...stills];
  for await (const { view, timeS, data } of decodeFrames(clip.path, {
    views,
    info: clip.info,
    signal: options.signal,
  })) {
    if (view === 'motion') {
      await to.motion.add(data, timeS);
      options.onProgress?.(timeS);
    } else if (view === 'classifier') await to.watcher?.addForClassifier(data, timeS);
    else await to.watcher?.addForDetector(data, timeS);
  }
}
