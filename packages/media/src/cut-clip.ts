import { badInput } from '@soundstage/core';
import { cutParts } from './cut-parts.js';
import { withDefaults, type MediaLimits } from './limits.js';
import type { MediaInfo } from './media-info.js';
import { writeNewFile } from './new-file.js';
import { probe } from './probe.js';

export interface CutClipOptions {
  /** A video with or without sound. */
  path: string;
  /** Where the clip begins, in seconds after the file's zero. */
  startS: number;
  durationS: number;
  frameRate: number;
  /** Even numbers. */
  width: number;
  height: number;
  /** The clip's picture: H.264 in .mp4, constant rate, without sound. */
  videoPath: string;
  /** The clip's sound: mono 16-bit .wav. */
  soundPath: string;
  sampleRateHz: number;
  /** 'contain' (default) keeps the shape and adds black; 'stretch' fills the size. */
  fit?: 'contain' | 'stretch';
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  timeoutS?: number;
  signal?: AbortSignal | undefined;
}

export interface CutClip {
  /** Exactly round(durationS × frameRate). */
  frames: number;
  /** Exactly round(durationS × sampleRateHz). */
  samples: number;
  /** False where the input has no sound, so that the clip's is silence. */
  hasSound: boolean;
  /** Seconds at the end that the input doesn't cover: the last picture stands and the sound is silent. */
  paddedS: number;
}

/**
 * Cuts a clip of exact length: frame n shows what players show at `startS + n / frameRate`, sample k sounds at
 * `startS + k / sampleRateHz`. Before the first picture of the file the first one stands; after its end the last one
 * stands and the sound is silent. The same input, options and ffmpeg give the same bytes. Both files appear, or none.
 * Errors: as `probe`; BAD_INPUT where the clip begins after the end of the picture, or for sizes that aren't even.
 */
export async function cutClip(options: CutClipOptions): Promise<CutClip> {
  const limits = withDefaults(options.limits);
  const { path, startS, durationS, frameRate, sampleRateHz, width, height, fit = 'contain' } = options;
  const frames = Math.round(durationS * frameRate);
  const samples = Math.round(durationS * sampleRateHz);
  checkOptions(options, frames);
  const info = options.info ?? (await probe(path, { limits, signal: options.signal }));
  await writeNewFile(options.videoPath, [path], (videoPath) =>
    writeNewFile(options.soundPath, [path, options.videoPath], (soundPath) =>
      cutParts({
        path,
        startS,
        pictures: [{ path: videoPath, form: 'h264', frameRate, frames, size: { fit, width, height } }],
        sound: { path: soundPath, sampleRateHz, samples, startS },
        info,
        limits,
        signal: options.signal,
        timeoutS: options.timeoutS ?? 120 + 4 * (durationS + 2),
      }),
    ),
  );
  const endS = info.video!.startS + info.video!.durationS;
  return { frames, samples, hasSound: info.audio !== undefined, paddedS: Math.max(0, startS + durationS - endS) };
}

function checkOptions(options: CutClipOptions, frames: number): void {
  const { startS, durationS, frameRate, width, height, sampleRateHz } = options;
  const wrong = [
    [!(startS >= 0 && Number.isFinite(startS)), 'startS', '0 or more'],
    [!(durationS > 0 && durationS <= 3600), 'durationS', 'above 0 and up to 3600 s'],
    [!(frameRate > 0 && frameRate <= 240), 'frameRate', 'above 0 and up to 240'],
    [frames < 1, 'durationS', 'at least one frame'],
    [!(Number.isInteger(width / 2) && width >= 16 && width <= 8192), 'width', 'an even number from 16 to 8192'],
    [!(Number.isInteger(height / 2) && height >= 16 && height <= 8192), 'height', 'an even number from 16 to 8192'],
    [
      !(Number.isInteger(sampleRateHz) && sampleRateHz >= 4000 && sampleRateHz <= 192_000),
      'sampleRateHz',
      '4000 to 192000',
    ],
  ] as const;
  const first = wrong.find(([isWrong]) => isWrong);
  if (first !== undefined) throw badInput(`${first[1]} must be ${first[2]}.`, first[1]);
}
