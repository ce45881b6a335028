import type { FaceRules, Track } from './track-face.js';

/** The square of the picture that is shown in a frame, in pixels of the picture as shown. */
export interface Square {
  /** Its middle. */
  x: number;
  y: number;
  side: number;
  /** How sure the face was; 0 where it was not seen, and its place lies between its neighbours'. */
  score: number;
}

/** Frames over which a single wrong place is voted down. */
const MEDIAN_FRAMES = 5;

/**
 * A steady square around the face for each frame: gaps are bridged in a straight line, single outliers voted down, the
 * rest smoothed in time.
 *
 * @param track with at least one face
 */
export function smoothTrack(
  track: Track,
  frameRate: number,
  rules: Pick<FaceRules, 'cropSides' | 'smoothS'>,
): Square[] {
  const smooth = (value: (face: NonNullable<Track[number]>) => number) =>
    gaussian(median(bridge(track.map((face) => face && value(face)))), rules.smoothS * frameRate);
  const x = smooth((face) => face.x);
  const y = smooth((face) => face.y);
  const side = smooth((face) => face.side);
  return track.map((face, n) => ({
    x: x[n]!,
    y: y[n]!,
    side: side[n]! * rules.cropSides,
    score: face?.score ?? 0,
  }));
}

function bridge(values: readonly (number | undefined)[]): number[] {
  const known = values.flatMap((value, n) => (value === undefined ? [] : [{ n, value }]));
  let next = 0;
  return values.map((value, n) => {
    if (value !== undefined) return value;
    while (next < known.length && known[next]!.n < n) next++;
    const before = known[next - 1];
    const after = known[next];
    if (!before || !after) return (before ?? after)!.value;
    return before.value + ((after.value - before.value) * (n - before.n)) / (after.n - before.n);
  });
}

function median(values: readonly number[]): number[] {
  const reach = MEDIAN_FRAMES >> 1;
  return values.map((_, n) => {
    // At the ends the window shrinks evenly, so that a steady motion stays what it is.
    const own = Math.min(reach, n, values.length - 1 - n);
    const near = values.slice(n - own, n + own + 1).sort((a, b) => a - b);
    return near[near.length >> 1]!;
  });
}

function gaussian(values: readonly number[], deviation: number): number[] {
  if (deviation <= 0) return [...values];
  const reach = Math.ceil(3 * deviation);
  return values.map((_, n) => {
    const own = Math.min(reach, n, values.length - 1 - n);
    let sum = 0;
    let weights = 0;
    for (let shift = -own; shift <= own; shift++) {
      const weight = Math.exp(-0.5 * (shift / deviation) ** 2);
      sum += weight * values[n + shift]!;
      weights += weight;
    }
    return sum / weights;
  });
}
