import { KEPT_POINTS, type FaceTrack } from '@soundstage/faces';
import { FRAME_RATE_HZ } from './model-clock.js';

/** A stretch of a face's frames at FRAME_RATE_HZ without a gap. */
export interface LipRun {
  /** Counted from the file's zero. */
  firstFrame: number;
  frames: number;
  /** [frames, KEPT_POINTS, 3], pixels. */
  points: Float32Array;
}

const ROW = KEPT_POINTS.length * 3;
/** A face that is away for no longer is taken to move evenly meanwhile, seconds. */
const LONGEST_GAP_S = 0.25;
/** What is shorter tells nothing, frames. */
const FEWEST_FRAMES = 10;

/** A track's points at an even rate, linearly between its own frames, in stretches of at most `longest` frames. */
export function lipRuns(track: FaceTrack, longest: number): LipRun[] {
  const runs: LipRun[] = [];
  let from = 0;
  for (let at = 1; at <= track.timesS.length; at++) {
    if (at < track.timesS.length && track.timesS[at]! - track.timesS[at - 1]! <= LONGEST_GAP_S) continue;
    runs.push(...evenly(track, from, at, longest));
    from = at;
  }
  return runs;
}

/** Frames `from` to `to` of the track. */
function evenly({ timesS, points }: FaceTrack, from: number, to: number, longest: number): LipRun[] {
  const first = Math.ceil(timesS[from]! * FRAME_RATE_HZ - 1e-6);
  const end = Math.floor(timesS[to - 1]! * FRAME_RATE_HZ + 1e-6) + 1;
  if (end - first < FEWEST_FRAMES) return [];
  const parts = Math.ceil((end - first) / longest);
  let after = from;
  return Array.from({ length: parts }, (_, part): LipRun => {
    const begin = first + Math.floor((part * (end - first)) / parts);
    const frames = first + Math.floor(((part + 1) * (end - first)) / parts) - begin;
    const even = new Float32Array(frames * ROW);
    for (let n = 0; n < frames; n++) {
      const timeS = (begin + n) / FRAME_RATE_HZ;
      while (after < to - 1 && timesS[after]! < timeS) after++;
      const before = Math.max(from, after - 1);
      const stepS = timesS[after]! - timesS[before]!;
      const share = stepS > 0 ? Math.min(1, Math.max(0, (timeS - timesS[before]!) / stepS)) : 0;
      for (let k = 0; k < ROW; k++) {
        const a = points[before * ROW + k]!;
        even[n * ROW + k] = a + (points[after * ROW + k]! - a) * share;
      }
    }
    return { firstFrame: begin, frames, points: even };
  });
}
