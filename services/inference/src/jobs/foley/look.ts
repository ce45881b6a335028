import { badInput } from '@soundstage/core';
import { decodeAudio, decodeFrames, measureLoudness, probe, type MediaInfo, type VideoInfo } from '@soundstage/media';
import type { MotionFollower } from './motion.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';
import type { Watcher } from './what.js';

/** A clip that can be given sound. */
export interface Clip {
  path: string;
  info: MediaInfo;
  video: VideoInfo;
  /** Length of the picture, and so of the soundtrack. */
  durationS: number;
  /** Loudness of the sound that it brings; undefined where none can be heard. */
  originalLufs: number | undefined;
  warnings: string[];
}

/** Below this a sound track counts as silent: dither and codec noise lie far below, any recording above. */
const SILENT_DBTP = -60;
const STILLS = 8;

/**
 * Probes the file and refuses what can't be given sound.
 *
 * Throws SoundstageError BAD_INPUT: no video, a still image, already sound (unless keepOriginal); and what
 * probe() throws.
 */
export async function examine(
  path: string,
  options: { keepOriginal: boolean; signal?: AbortSignal | undefined },
): Promise<Clip> {
  const info = await probe(path, { signal: options.signal });
  const { video } = info;
  if (video === undefined) throw badInput(`${info.name} has no picture: give a video.`, 'video');
  if (info.still) throw badInput(`${info.name} is a still image: give a video, in which something moves.`, 'video');
  const originalLufs = info.audio === undefined ? undefined : await loudnessOf(path, options.signal);
  if (originalLufs !== undefined && !options.keepOriginal) {
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
 * Decodes the clip once, for all models: small grey frames for motion, a few larger ones for what is seen. The models
 * run while ffmpeg decodes what comes next.
 */
export async function watchClip(
  clip: Clip,
  to: { motion: MotionFollower; watcher: Watcher | undefined },
  options: { signal?: AbortSignal | undefined; onProgress?: ((timeS: number) => void) | undefined },
): Promise<void> {
  const stills =
    to.watcher === undefined
      ? []
      : [
          { name: 'classifier', width: 224, height: 224, pixelFormat: 'rgb24' as const, count: STILLS },
          { name: 'detector', width: 416, height: 416, pixelFormat: 'rgb24' as const, count: STILLS },
        ];
  const views = [{ name: 'motion', width: 160, height: 96, pixelFormat: 'gray' as const, maxFrameRate: 30 }, ...stills];
  for await (const { view, timeS, data } of decodeFrames(clip.path, {
    views,
    info: clip.info,
    signal: options.signal,
  })) {
    if (view === 'motion') {
      await to.motion.add(data, timeS);
      options.onProgress?.(timeS);
    } else if (view === 'classifier') await to.watcher?.addForClassifier(data);
    else await to.watcher?.addForDetector(data);
  }
}
