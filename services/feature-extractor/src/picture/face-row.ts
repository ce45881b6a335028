import type { DetectedFace } from '@soundstage/faces';
import type { VideoInfo } from '@soundstage/media';
import { FACE_NUMBERS } from '../features.js';

/** Score, box and six points as shares of the picture; zeros where there is no face. */
export function faceRow(face: DetectedFace | undefined, { width, height }: VideoInfo): Float32Array {
  const row = new Float32Array(FACE_NUMBERS);
  if (!face) return row;
  row[0] = face.score;
  [...face.box, ...face.points].forEach((place, n) => (row[1 + n] = place / (n % 2 === 0 ? width : height)));
  return row;
}
