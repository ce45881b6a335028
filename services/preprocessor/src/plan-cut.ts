import { createHash } from 'node:crypto';
import type { PreprocessingSpec } from '@soundstage/contracts';
import { badInput } from '@soundstage/core';
import type { MediaInfo, PictureSize } from '@soundstage/media';
import type { Profile } from './profiles.js';

/** Longest clip that is cut, seconds. */
const LONGEST_S = 3600;
/** What `cutParts` takes. */
const SIDE_PIXELS = { min: 16, max: 8192 };
const SAMPLE_RATES_HZ = { min: 4000, max: 192_000 };
/** Lengths that differ by less are equal: time stamps are rounded. */
const ROUNDED_S = 1e-6;

/** What is to be cut, in whole frames and samples. */
export interface CutPlan {
  /** Where the pictures begin, seconds after the file's zero. */
  startS: number;
  /** How much of the clip it covers. */
  durationS: number;
  pictures: { frameRate: number; frames: number; size: PictureSize; form: 'h264' | 'jpeg' }[];
  /** `startS` is the time of the first sample in the file; before the file's zero it is silent. */
  sound: { startS: number; sampleRateHz: number; samples: number };
  /** By how much the sound comes late (negative: early); a whole number of samples. */
  offsetS?: number;
}

export type MovingMedia = MediaInfo & { video: NonNullable<MediaInfo['video']> };

/** Frames or samples in a time: the nearest whole number, and at least one. */
export function unitsIn(durationS: number, rate: number): number {
  return Math.max(1, Math.round(durationS * rate));
}

/**
 * The cut of free parameters: exactly as long as asked, also beyond the end.
 *
 * @throws BAD_INPUT where it begins behind the end, or would be longer than an hour
 */
export function planFreeCut(spec: PreprocessingSpec, info: MovingMedia): CutPlan {
  const { startS, frameRate, width, height, sampleRateHz } = spec;
  const durationS = spec.durationS || pictureEndS(info) - startS;
  if (!(durationS > 0)) {
    throw badInput(
      `The clip is ${info.durationS.toFixed(2)} s long: it can't be cut from ${startS} s on.`,
      'spec.start_s',
    );
  }
  checkLength(durationS);
  return {
    startS,
    durationS,
    pictures: [
      { frameRate, frames: unitsIn(durationS, frameRate), size: { fit: 'contain', width, height }, form: 'h264' },
    ],
    sound: { startS, sampleRateHz, samples: unitsIn(durationS, sampleRateHz) },
  };
}

/** How long a profile's cut of a clip would be, seconds; 0 or less where nothing is left. */
export function cutLengthS(profile: Profile, spec: Pick<PreprocessingSpec, 'startS' | 'durationS'>, info: MovingMedia) {
  const leftS = pictureEndS(info) - spec.startS;
  return Math.min(leftS, profile.longestS, spec.durationS || Infinity) - 2 * profile.trimS;
}

/**
 * The cut that a profile makes of a clip that is long enough for it.
 *
 * @throws BAD_INPUT where it would be longer than an hour
 */
export function planProfileCut(profile: Profile, spec: PreprocessingSpec, info: MovingMedia): CutPlan {
  const durationS = cutLengthS(profile, spec, info);
  checkLength(durationS);
  const startS = spec.startS + profile.trimS;
  const sampleRateHz = profile.sound.sampleRateHz === 'own' ? ownSampleRateHz(info) : profile.sound.sampleRateHz;
  const offsetSamples =
    profile.offsetS > 0 ? chosenOffset(spec, Math.floor(profile.offsetS * sampleRateHz + ROUNDED_S)) : undefined;
  const offsetS = (offsetSamples ?? 0) / sampleRateHz;
  return {
    startS,
    durationS,
    pictures: profile.pictures.map(({ frameRate: rate, size, form }) => {
      const frameRate = rate === 'own' ? ownFrameRate(info) : rate;
      return { frameRate, frames: unitsIn(durationS, frameRate), size: size === 'own' ? ownSize(info) : size, form };
    }),
    sound: {
      // Sound that comes late is what was heard earlier.
      startS: startS - offsetS,
      sampleRateHz,
      samples: profile.sound.samples ?? unitsIn(durationS, sampleRateHz),
    },
    ...(offsetSamples === undefined ? {} : { offsetS }),
  };
}

function checkLength(durationS: number): void {
  if (durationS > LONGEST_S + ROUNDED_S) {
    throw badInput(
      `The cut is ${durationS.toFixed(0)} s long; the limit is ${LONGEST_S} s: give a duration_s.`,
      'spec.duration_s',
    );
  }
}

function pictureEndS(info: MovingMedia): number {
  return info.video.startS + info.video.durationS;
}

/** A whole number from −most to most, evenly, by the seed, the clip and where it is cut. */
function chosenOffset({ seed, clip, startS }: PreprocessingSpec, most: number): number {
  const digest = createHash('sha256').update(`${seed}\n${clip?.sha256}\n${startS}`).digest();
  return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * (2 * most + 1)) - most;
}

function ownFrameRate({ video }: MovingMedia): number {
  return Math.min(240, Math.max(1, video.frameRate));
}

function ownSampleRateHz({ audio }: MediaInfo): number {
  return Math.min(SAMPLE_RATES_HZ.max, Math.max(SAMPLE_RATES_HZ.min, audio?.sampleRateHz ?? 16_000));
}

function ownSize({ video }: MovingMedia): PictureSize {
  const even = (pixels: number) =>
    Math.min(SIDE_PIXELS.max, Math.max(SIDE_PIXELS.min, 2 * Math.floor(Math.round(pixels) / 2)));
  return { fit: 'stretch', width: even(video.width), height: even(video.height) };
}
