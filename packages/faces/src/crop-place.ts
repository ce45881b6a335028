import type { DetectedFace } from './face-model.js';

/** The square that the mesh looks at, turned with the head; in pixels of the picture. */
export interface CropPlace {
  /** Its middle. */
  x: number;
  y: number;
  side: number;
  /** How far the head is rolled clockwise. */
  angleRad: number;
}

/** The crop is this many times as wide as the face (MediaPipe's). */
export const CROP_SIDES = 1.5;
/** Outer corners of the eyes in the mesh. */
const EYES = [33, 263] as const;

/** The crop for a face as the detector found it. */
export function placeOfFace({ x, y, side, points }: DetectedFace): CropPlace {
  const [rightX, rightY, leftX, leftY] = points as [number, number, number, number];
  return { x, y, side: CROP_SIDES * side, angleRad: Math.atan2(leftY - rightY, leftX - rightX) };
}

/** The crop for a face whose mesh is known: the box of its points along the head's own axes, made square. */
export function placeOfMesh(points: Float32Array): CropPlace {
  const [right, left] = EYES;
  const angleRad = Math.atan2(points[3 * left + 1]! - points[3 * right + 1]!, points[3 * left]! - points[3 * right]!);
  const [cos, sin] = [Math.cos(angleRad), Math.sin(angleRad)];
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < points.length; at += 3) {
    const x = cos * points[at]! + sin * points[at + 1]!;
    const y = cos * points[at + 1]! - sin * points[at]!;
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x);
    y0 = Math.min(y0, y);
    y1 = Math.max(y1, y);
  }
  const [across, down] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return {
    x: cos * across - sin * down,
    y: sin * across + cos * down,
    side: CROP_SIDES * Math.max(x1 - x0, y1 - y0),
    angleRad,
  };
}

/** The place at `share` of the way from `a` to `b`; the turn goes the shorter way round. */
export function placeBetween(a: CropPlace, b: CropPlace, share: number): CropPlace {
  const turn = Math.atan2(Math.sin(b.angleRad - a.angleRad), Math.cos(b.angleRad - a.angleRad));
  return {
    x: a.x + (b.x - a.x) * share,
    y: a.y + (b.y - a.y) * share,
    side: a.side + (b.side - a.side) * share,
    angleRad: a.angleRad + turn * share,
  };
}

/** From shares of a crop to pixels of the picture; [n, 3] both, z on the same scale as x and y. */
export function toPicture(points: Float32Array, { x, y, side, angleRad }: CropPlace): Float32Array {
  const [cos, sin] = [side * Math.cos(angleRad), side * Math.sin(angleRad)];
  const placed = new Float32Array(points.length);
  for (let at = 0; at < points.length; at += 3) {
    const across = points[at]! - 0.5;
    const down = points[at + 1]! - 0.5;
    placed[at] = x + cos * across - sin * down;
    placed[at + 1] = y + sin * across + cos * down;
    placed[at + 2] = side * points[at + 2]!;
  }
  return placed;
}

/** How far two places are apart, in sides of the smaller face. */
export function distanceFaces(a: CropPlace, b: CropPlace): number {
  return (CROP_SIDES * Math.hypot(a.x - b.x, a.y - b.y)) / Math.min(a.side, b.side);
}
