import { asFloat32, type ModelOnUse } from '@soundstage/models';
import type { Face } from './track-face.js';

/** Side of the square that the model looks at. */
export const FACE_SIDE = 256;
/** Frames that go through the model at once. */
export const FACE_BATCH = 16;

/** A face as the model found it: all in pixels of the picture as shown. */
export interface DetectedFace extends Face {
  /** x0, y0, x1, y1; may lie outside of the picture where the face is cut off by its edge. */
  box: readonly number[];
  /** x, y of right eye, left eye, nose tip, middle of the mouth, right ear, left ear. */
  points: readonly number[];
}

/** Finds faces. */
export interface FaceModel {
  /** From this score on the card calls it a face. */
  readonly threshold: number;
  /**
   * @param frames RGB, FACE_SIDE × FACE_SIDE, with black at the sides
   * @param size of the pictures as shown, in whose pixels the answer is
   * @returns the faces of each frame, the surest first
   */
  detect(
    frames: readonly Uint8Array[],
    size: { width: number; height: number },
    signal?: AbortSignal,
  ): Promise<DetectedFace[][]>;
}

/** @param model `face` of the shipped models */
export function createFaceModel(model: Pick<ModelOnUse, 'card' | 'run'>): FaceModel {
  return {
    threshold: Number(model.card['threshold']),
    async detect(frames, size, signal) {
      const data = new Uint8Array(frames.length * FACE_SIDE * FACE_SIDE * 3);
      frames.forEach((frame, n) => data.set(frame, n * FACE_SIDE * FACE_SIDE * 3));
      const input = { dims: [frames.length, FACE_SIDE, FACE_SIDE, 3], data };
      const { scores, boxes, keypoints } = await model.run({ frames: input }, { signal });
      return facesOf(asFloat32(scores), asFloat32(boxes), asFloat32(keypoints), frames.length, size);
    },
  };
}

/** From shares of the square to pixels of the picture in its middle. */
function facesOf(
  scores: Float32Array,
  boxes: Float32Array,
  keypoints: Float32Array,
  count: number,
  { width, height }: { width: number; height: number },
): DetectedFace[][] {
  const kept = scores.length / count;
  const longer = Math.max(width, height);
  const left = (longer - width) / 2;
  const top = (longer - height) / 2;
  const toPixels = (shares: Float32Array) =>
    Array.from(shares, (share, n) => share * longer - (n % 2 === 0 ? left : top));
  return Array.from({ length: count }, (_, n) =>
    Array.from({ length: kept }, (__, k): DetectedFace => {
      const place = n * kept + k;
      const box = toPixels(boxes.subarray(4 * place, 4 * place + 4));
      const points = toPixels(keypoints.subarray(12 * place, 12 * place + 12));
      const [x0, y0, x1, y1] = box as [number, number, number, number];
      const side = Math.max(x1 - x0, y1 - y0);
      return { score: scores[place]!, x: (x0 + x1) / 2, y: (y0 + y1) / 2, side, box, points };
    }).filter(({ score, side }) => score > 0 && side > 0),
  );
}
