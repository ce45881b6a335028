import { SoundstageError } from '@soundstage/core';
import { decodeFrames } from '@soundstage/media';
import { CROP_SIDES } from './crop-place.js';
import { FACE_SIDE } from './face-model.js';
import { LEAST_FACE_PIXELS } from './face-follower.js';
import type { SegmentsOf } from './frame-segments.js';
import { MESH_SIDE } from './mesh-model.js';

/** Frames that are looked at, at most, to see how large the faces are. */
const LOOKS = 40;
const LEAST_GAP_S = 2;
/** This share of the faces may be smaller than what the picture is made for. */
const SMALLER_SHARE = 0.2;
/** Pictures are made no larger than this many times what the crop needs. */
const SPARE = 1.25;
/** Shorter side of the picture. Below the least, faces that the looks missed would be too coarse. */
const LEAST_LINES = 360;
const USUAL_LINES = 540;
const MOST_LINES = 1080;

/**
 * The size at which a film should be decoded, so that crops of its faces have the pixels that the mesh takes and not
 * many more: judged by its key frames, 540 lines where they show no face.
 */
export async function pictureSizeFor(
  film: Omit<SegmentsOf, 'picture' | 'span'>,
  startS?: number,
  endS?: number,
): Promise<{ width: number; height: number }> {
  const { width, height } = film.info.video;
  const sides = (await facesAtKeyFrames(film, startS, endS)).sort((a, b) => a - b);
  const small = sides[Math.floor(SMALLER_SHARE * sides.length)];
  const shorter = Math.min(width, height);
  const wanted = small === undefined ? USUAL_LINES : (shorter * SPARE * MESH_SIDE) / (CROP_SIDES * small);
  const scale = Math.min(1, Math.min(MOST_LINES, Math.max(LEAST_LINES, wanted)) / shorter);
  return { width: Math.max(2, Math.round(width * scale)), height: Math.max(2, Math.round(height * scale)) };
}

/** Sides of the faces in some key frames, in pixels of the picture as shown. */
async function facesAtKeyFrames(
  { path, info, face, limits, signal }: Omit<SegmentsOf, 'picture' | 'span'>,
  startS: number | undefined,
  endS: number | undefined,
): Promise<number[]> {
  const lengthS = endS === undefined ? info.video.durationS : endS - (startS ?? 0);
  const everyS = Math.max(LEAST_GAP_S, lengthS / LOOKS);
  const views = [
    { name: 'small', width: FACE_SIDE, height: FACE_SIDE, pixelFormat: 'rgb24', fit: 'contain', everyS } as const,
  ];
  const part = endS === undefined ? {} : { startS: startS ?? 0, durationS: lengthS };
  const sides: number[] = [];
  try {
    for await (const { data } of decodeFrames(path, { views, info, limits, signal, keyFramesOnly: true, ...part })) {
      const [faces] = await face.detect([data], info.video, signal);
      for (const { score, side } of faces!) {
        if (score >= face.threshold && side >= LEAST_FACE_PIXELS) sides.push(side);
      }
    }
  } catch (error) {
    // A part may be without a key frame, and a film too; whatever else is wrong, decoding all of it will tell.
    if (SoundstageError.from(error).reason !== 'BAD_INPUT') throw error;
  }
  return sides;
}
