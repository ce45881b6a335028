import { KEPT_POINTS } from './kept-points.js';

/** A face that was followed through a shot. */
export interface FaceTrack {
  /** Which of `shotsS` it is seen in. */
  shot: number;
  /** When each of its n frames is shown, seconds after the file's zero; frames in which it can't be seen are left out. */
  timesS: Float64Array;
  /** [n, KEPT_POINTS.length, 3]: pixels of the picture as shown; z on the same scale, smaller is nearer. */
  points: Float32Array;
  /** [n]: how sure the mesh is of the face, 0 to 1. */
  scores: Float32Array;
  /** [n, 4]: x0, y0, x1, y1 of all points of the mesh, in pixels. */
  boxes: Float32Array;
}

/** A track that grows, a few hundred bytes a frame. */
export interface GrowingTrack {
  readonly frames: number;
  /** @param points [468, 3] in pixels of the picture as shown */
  add(timeS: number, points: Float32Array, score: number): void;
  finish(): FaceTrack;
}

const ROW = KEPT_POINTS.length * 3;

export function growingTrack(shot: number): GrowingTrack {
  const times: number[] = [];
  const scores: number[] = [];
  const boxes: number[] = [];
  let points = new Float32Array(64 * ROW);
  return {
    get frames() {
      return times.length;
    },
    add(timeS, mesh, score) {
      const start = times.length * ROW;
      if (start + ROW > points.length) {
        const grown = new Float32Array(2 * points.length);
        grown.set(points);
        points = grown;
      }
      KEPT_POINTS.forEach((point, n) => points.set(mesh.subarray(3 * point, 3 * point + 3), start + 3 * n));
      times.push(timeS);
      scores.push(score);
      boxes.push(...boxOf(mesh));
    },
    finish: () => ({
      shot,
      timesS: Float64Array.from(times),
      points: points.slice(0, times.length * ROW),
      scores: Float32Array.from(scores),
      boxes: Float32Array.from(boxes),
    }),
  };
}

function boxOf(mesh: Float32Array): [number, number, number, number] {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < mesh.length; at += 3) {
    x0 = Math.min(x0, mesh[at]!);
    x1 = Math.max(x1, mesh[at]!);
    y0 = Math.min(y0, mesh[at + 1]!);
    y1 = Math.max(y1, mesh[at + 1]!);
  }
  return [x0, y0, x1, y1];
}
