import type { PreprocessingProfile } from '@soundstage/core';
import type { PictureSize } from '@soundstage/media';
import type { FaceRules } from '@soundstage/faces';
import type { FlawLimits } from './flaws/flaw.js';

/** A picture that a profile asks for. */
export interface ProfilePicture {
  /** Frames a second; 'own': the clip's. */
  frameRate: number | 'own';
  /** 'own': the clip's, even numbers. */
  size: PictureSize | 'own';
  form: 'h264' | 'jpeg';
}

/** A named set of parameters. */
export interface Profile {
  /** Whose preparation of data it is. */
  from: string;
  /** Length of a cut, seconds; shorter where the video ends. Infinity: to the end. */
  longestS: number;
  /** Taken off at each end of the cut, seconds. */
  trimS: number;
  /** The first is the result's video or frames, the others its views. */
  pictures: readonly [ProfilePicture, ...ProfilePicture[]];
  /** 'own': the clip's rate. Without `samples` the sound is as long as the picture; with it exactly so long, padded. */
  sound: { sampleRateHz: number | 'own'; samples?: number };
  /** The sound is moved by up to so much, either way, seconds. Not more than `trimS`, where the sound comes from. */
  offsetS: number;
  /** The picture is a square around the one face. */
  face?: FaceRules;
  flaws: FlawLimits;
}

const wide = (width: number, height: number): PictureSize => ({ fit: 'stretch', width, height });
const shorter = (pixels: number): PictureSize => ({ fit: 'shorter', pixels });

/** Limits that fit any clip; what a profile needs besides stands with it. */
const FLAWS: FlawLimits = {
  shortestS: 1,
  soundNeeded: true,
  startDiffersS: 0.2,
  lengthDiffersS: 0.5,
  movingShare: 0.05,
  loudestDb: -50,
  offsetMs: undefined,
};

/** What viewers notice of sound that comes late (ITU-R BT.1359-1), and more than a measurement is off by. */
const NOTICED_MS = 125;

// prettier-ignore
export const PROFILES: Readonly<Record<PreprocessingProfile, Profile>> = {
  regnet: {
    from: 'Silent to Sound / RegNet', longestS: 10, trimS: 0, offsetS: 0,
    pictures: [{ frameRate: 21.5, size: wide(340, 256), form: 'h264' }],
    sound: { sampleRateHz: 22_050, samples: 220_500 },
    flaws: { ...FLAWS, shortestS: 2 },
  },
  pixels: {
    from: 'Sound of Pixels', longestS: Infinity, trimS: 0, offsetS: 0,
    pictures: [{ frameRate: 8, size: shorter(256), form: 'jpeg' }],
    sound: { sampleRateHz: 11_025 },
    // A training example of it takes 5.94 s of sound.
    flaws: { ...FLAWS, shortestS: 6 },
  },
  sync: {
    from: 'AV-sync project', longestS: Infinity, trimS: 0, offsetS: 0,
    pictures: [{ frameRate: 25, size: wide(224, 224), form: 'h264' }],
    sound: { sampleRateHz: 16_000 },
    face: { scoreAtLeast: 0.6, longestGapS: 0.4, jumpSides: 0.5, rivalShare: 0.5, cropSides: 1.6, smoothS: 0.12 },
    flaws: { ...FLAWS, offsetMs: NOTICED_MS },
  },
  desync: {
    from: 'AV-sync project', longestS: Infinity, trimS: 1, offsetS: 1,
    pictures: [{ frameRate: 'own', size: 'own', form: 'h264' }],
    sound: { sampleRateHz: 'own' },
    flaws: { ...FLAWS, offsetMs: NOTICED_MS },
  },
  describe: {
    from: 'audio description', longestS: Infinity, trimS: 0, offsetS: 0,
    pictures: [{ frameRate: 15, size: shorter(360), form: 'h264' }, { frameRate: 1, size: shorter(720), form: 'h264' }],
    sound: { sampleRateHz: 16_000 },
    // Slides with a voice are worth describing, and so are silent films.
    flaws: { ...FLAWS, soundNeeded: false, movingShare: undefined, loudestDb: undefined },
  },
};
