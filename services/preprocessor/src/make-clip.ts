import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreprocessingSpec } from '@soundstage/contracts';
import { badInput, SoundstageError } from '@soundstage/core';
import {
  findFaces,
  smoothTrack,
  trackFace,
  writeCrops,
  type FaceModel,
  type FaceRules,
  type FramesOf,
  type Square,
} from '@soundstage/faces';
import { cutParts, type MediaInfo, type MediaLimits } from '@soundstage/media';
import { createMeasures, Flawed, type Measure, type Measures } from './flaws/flaw.js';
import { loudestLevelDb } from './flaws/loudest-level.js';
import { createMotionMeter, PREVIEW, type MotionMeter } from './flaws/moving-share.js';
import { cutLengthS, planFreeCut, planProfileCut, type CutPlan, type MovingMedia } from './plan-cut.js';
import type { Profile } from './profiles.js';
import { SURE_TO_ALTER, type SyncMeter } from '@soundstage/sync';
import { packFolder } from './tar.js';

/** A clip that lies in a local file, and what is wanted of it. */
export interface ClipToMake {
  path: string;
  spec: PreprocessingSpec;
  /** Tells what the clip holds. */
  look: () => Promise<MediaInfo>;
  /** A folder for the outputs, thrown away on failure. */
  scratch: string;
  limits: Partial<MediaLimits>;
  faces: FaceModel;
  meter: Pick<SyncMeter, 'measure'>;
  signal: AbortSignal;
  onProgress: (share: number, message?: string) => void;
}

/** What was made, as local files. */
export interface MadeClip {
  plan: CutPlan;
  /** One for each of the plan's pictures: an .mp4, or a TAR of frames. */
  picturePaths: string[];
  soundPath?: string;
  faceTrackPath?: string;
  measures: readonly Measure[];
}

/**
 * Cuts by free parameters, and looks for no flaws.
 *
 * @throws BAD_INPUT where the clip can't be read or is no moving picture
 */
export async function makeFreeClip(clip: ClipToMake): Promise<MadeClip> {
  const { spec } = clip;
  const info = await clip.look();
  if (!isMoving(info)) throw badInput('The clip has no moving picture, which is what is cut.', 'spec.clip');
  const plan = planFreeCut(spec, info);
  return { plan, measures: [], ...(await cut(clip, info, plan, createMotionMeter())) };
}

/**
 * Makes what a profile wants of a clip.
 *
 * @throws Flawed where the clip doesn't fit
 */
export async function makeProfileClip(clip: ClipToMake, profile: Profile): Promise<MadeClip> {
  const { spec } = clip;
  const { flaws } = profile;
  const measures = createMeasures();
  const info = await decodable(clip.look);
  if (!isMoving(info)) throw new Flawed('no_picture', 'The clip has no moving picture.');
  checkStreams(info, profile, measures);
  const lengthS = cutLengthS(profile, spec, info);
  measures.atLeast(
    'too_short',
    lengthS,
    flaws.shortestS,
    `The cut would be ${Math.max(0, lengthS).toFixed(2)} s long; the least is ${flaws.shortestS} s.`,
  );
  const plan = planProfileCut(profile, spec, info);
  const meter = createMotionMeter();
  const made = await decodable(() =>
    profile.face ? cutFace(clip, info, plan, profile.face, meter, measures) : cut(clip, info, plan, meter),
  );
  if (meter.frames() < plan.pictures[0]!.frames) {
    throw new Flawed('undecodable', `Only ${meter.frames()} of ${plan.pictures[0]!.frames} frames can be decoded.`);
  }
  if (flaws.movingShare !== undefined) {
    const share = meter.movingShare();
    const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
    measures.atLeast(
      'still_picture',
      share,
      flaws.movingShare,
      `Something moves in ${percent(share)} of the picture's steps; the least is ${percent(flaws.movingShare)}.`,
    );
  }
  if (flaws.loudestDb !== undefined && made.soundPath) {
    const levelDb = await loudestLevelDb(made.soundPath, plan.sound.sampleRateHz);
    measures.atLeast(
      'silent_sound',
      levelDb,
      flaws.loudestDb,
      `The loudest tenth of a second has ${levelDb.toFixed(1)} dBFS; the least is ${flaws.loudestDb} dBFS.`,
    );
  }
  if (flaws.offsetMs !== undefined && made.soundPath) await checkOffset(clip, plan, made, flaws.offsetMs, measures);
  return { plan, measures: measures.all, ...made };
}

/** Offsets up to so much are looked for, seconds. */
const RANGE_S = 1;

type MadeFiles = Pick<MadeClip, 'picturePaths' | 'soundPath' | 'faceTrackPath'>;

/** What headers tell: whether there is sound, and whether it begins and ends with the picture. */
function checkStreams(info: MovingMedia, { flaws }: Profile, measures: Measures): void {
  const { video, audio } = info;
  if (!audio) {
    if (flaws.soundNeeded) throw new Flawed('no_sound', 'The clip has no sound.');
    return;
  }
  const apartS = Math.abs(audio.startS - video.startS);
  measures.atMost(
    'start_differs',
    apartS,
    flaws.startDiffersS,
    `Picture and sound begin ${apartS.toFixed(3)} s apart; the limit is ${flaws.startDiffersS} s.`,
  );
  if (audio.durationS === undefined) return;
  const longerS = Math.abs(audio.durationS - video.durationS);
  measures.atMost(
    'length_differs',
    longerS,
    flaws.lengthDiffersS,
    `The picture is ${video.durationS.toFixed(2)} s long and the sound ${audio.durationS.toFixed(2)} s; ` +
      `they may differ by ${flaws.lengthDiffersS} s.`,
  );
}

/** Whether the lips of a face move with the sound. Where no face tells it surely, nothing is said. */
async function checkOffset(
  { meter, limits, signal }: ClipToMake,
  plan: CutPlan,
  { picturePaths, soundPath }: MadeFiles,
  limitMs: number,
  measures: Measures,
): Promise<void> {
  const movedMs = 1000 * (plan.offsetS ?? 0);
  const found = await meter.measure(picturePaths[0]!, {
    ...{ soundPath, limits, signal, rangeS: RANGE_S + Math.abs(movedMs) / 1000 },
  });
  if (found.offsetMs === undefined || found.confidence < SURE_TO_ALTER) return;
  const offsetMs = found.offsetMs - movedMs;
  const told = `${Math.abs(Math.round(offsetMs))} ms ${offsetMs > 0 ? 'late' : 'early'}`;
  measures.atMost(
    'offset',
    Math.abs(offsetMs),
    limitMs,
    `By the lips of the face the sound comes ${told}; the limit is ${limitMs} ms. Repair it with \`soundstage sync\` first.`,
  );
}

/** Pictures and sound by one run of ffmpeg. */
async function cut(clip: ClipToMake, info: MovingMedia, plan: CutPlan, meter: MotionMeter): Promise<MadeFiles> {
  const { path, scratch, limits, signal } = clip;
  const pictures = plan.pictures.map((picture, n) => ({
    ...picture,
    path: join(scratch, picture.form === 'jpeg' ? `frames-${n}` : `picture-${n}.mp4`),
  }));
  for (const picture of pictures) if (picture.form === 'jpeg') await mkdir(picture.path);
  const soundPath = info.audio && join(scratch, 'sound.wav');
  const first = pictures[0]!;
  await cutParts({
    path,
    startS: plan.startS,
    pictures,
    ...(soundPath ? { sound: { ...plan.sound, path: soundPath } } : {}),
    preview: {
      ...PREVIEW,
      onFrame: (grey) => {
        meter.push(grey);
        clip.onProgress(meter.frames() / first.frames);
      },
    },
    info,
    limits,
    signal,
  });
  const picturePaths = [];
  for (const picture of pictures) {
    if (picture.form === 'jpeg') await packFolder(picture.path, `${picture.path}.tar`, signal);
    picturePaths.push(picture.form === 'jpeg' ? `${picture.path}.tar` : picture.path);
  }
  return { picturePaths, ...(soundPath ? { soundPath } : {}) };
}

/** The picture as a square that follows the one face. */
async function cutFace(
  clip: ClipToMake,
  info: MovingMedia,
  plan: CutPlan,
  rules: FaceRules,
  meter: MotionMeter,
  measures: Measures,
): Promise<MadeFiles> {
  const { path, scratch, limits, signal, onProgress } = clip;
  const { frameRate, frames, size } = plan.pictures[0]!;
  if (size.fit !== 'stretch') throw new TypeError('a profile with a face has a size of its own');
  const part: FramesOf = { path, info, startS: plan.startS, frameRate, frames, limits, signal };
  const found = await findFaces(part, clip.faces, (share) => onProgress(0.7 * share, 'looking for the face'));
  const outcome = trackFace(found, frameRate, rules);
  if (!outcome.found) throw new Flawed(outcome.reason, outcome.detail, outcome);
  measures.atMost('no_face', outcome.gapS, rules.longestGapS, '');
  measures.atMost('several_faces', outcome.rivalShare, rules.rivalShare, '');
  const squares = smoothTrack(outcome.track, frameRate, rules);

  const picturePath = join(scratch, 'face.mp4');
  let shown = 0;
  await writeCrops(part, squares, {
    path: picturePath,
    sidePixels: size.width,
    onCrop: (rgb) => {
      meter.push(greyPreview(rgb, size.width));
      onProgress(0.7 + (0.25 * ++shown) / frames, 'cutting the face out');
    },
  });
  const soundPath = info.audio && join(scratch, 'sound.wav');
  if (soundPath) {
    await cutParts({
      path,
      startS: plan.startS,
      pictures: [],
      sound: { ...plan.sound, path: soundPath },
      info,
      limits,
      signal,
    });
  }
  const faceTrackPath = join(scratch, 'face-track.json');
  await writeFile(faceTrackPath, JSON.stringify(faceTrack(info, frameRate, squares)));
  return { picturePaths: [picturePath], ...(soundPath ? { soundPath } : {}), faceTrackPath };
}

/** The track as a program reads it: the picture's size, and a square for each frame by its upper left corner. */
function faceTrack({ video }: MovingMedia, frameRate: number, squares: readonly Square[]) {
  const round = (value: number) => Math.round(100 * value) / 100;
  return {
    width: video.width,
    height: video.height,
    frame_rate: frameRate,
    squares: squares.map(({ x, y, side, score }) => ({
      x: round(x - side / 2),
      y: round(y - side / 2),
      side: round(side),
      score: round(score),
    })),
  };
}

/** The green of every so many pixels: enough to see whether a face moves. */
function greyPreview(rgb: Uint8Array, sidePixels: number): Uint8Array {
  const step = 4;
  const across = Math.floor(sidePixels / step);
  const grey = new Uint8Array(across * across);
  for (let n = 0; n < grey.length; n++) {
    grey[n] = rgb[3 * (Math.floor(n / across) * step * sidePixels + (n % across) * step) + 1]!;
  }
  return grey;
}

function isMoving(info: MediaInfo): info is MovingMedia {
  return info.video !== undefined && !info.still;
}

/** What can't be read or decoded is a flaw of the clip. */
async function decodable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SoundstageError && error.reason === 'BAD_INPUT') {
      throw new Flawed('undecodable', error.message, undefined, error);
    }
    throw error;
  }
}
