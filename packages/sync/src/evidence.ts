import type { FaceTrack } from '@soundstage/faces';
import type { VideoInfo } from '@soundstage/media';
import { driftedLags, timeOf, type Stretch } from './fit.js';
import type { SeenFace, SyncEvidence } from './measurement.js';
import { LAG_MS } from './model-clock.js';
import { sumOf, type Row } from './rows.js';

const MOST_MAP_ROWS = 600;
/** Rows that a row of the map is smoothed over to each side. */
const SMOOTH_ROWS = 3;
/** A film has no more faces than this in its evidence: the longest ones. */
const MOST_FACES = 200;
const BOX_EVERY_S = 0.5;

/** Curve and map with 1 for the best and 0 for the mean. */
export function mapOf(
  rows: readonly Row[],
  stretches: readonly Stretch[],
  lags: number,
): Pick<SyncEvidence, 'offsetsMs' | 'curve' | 'map'> {
  const middle = (lags - 1) / 2;
  const offsetsMs = Array.from({ length: lags }, (_, lag) => (lag - middle) * LAG_MS);
  const total = new Float64Array(lags);
  // Where the parts have offsets of their own, each is moved to that of the longest, so that the peak is one.
  const main = stretches.reduce<Stretch | undefined>(
    (best, one) => (best && best.rows.length >= one.rows.length ? best : one),
    undefined,
  );
  for (const stretch of stretches) {
    const move = stretch.peak.lag - main!.peak.lag;
    sumOf(stretch.rows, lags, (row) => move + driftedLags(stretch, row)).forEach(
      (score, lag) => (total[lag]! += score),
    );
  }
  const each = Math.max(1, Math.ceil(rows.length / MOST_MAP_ROWS));
  const map: { timeS: number; scores: number[] }[] = [];
  for (let at = 0; at < rows.length; at += each) {
    const around = rows.slice(Math.max(0, at - SMOOTH_ROWS), at + each + SMOOTH_ROWS);
    map.push({
      timeS: timeOf(rows[Math.min(rows.length - 1, at + (each >> 1))]!),
      scores: scaled(sumOf(around, lags)),
    });
  }
  return { offsetsMs, curve: scaled(total), map };
}

function scaled(scores: Float64Array): number[] {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const most = scores.reduce((best, score) => Math.max(best, score), -Infinity) - mean;
  return Array.from(scores, (score) => (most > 0 ? Math.round(((score - mean) / most) * 1000) / 1000 : 0));
}

/** What is kept of a track once its lips were compared. */
export function seenFace({ timesS, boxes }: FaceTrack, { width, height }: VideoInfo): Omit<SeenFace, 'speaksS'> {
  const kept: SeenFace['boxes'][number][] = [];
  timesS.forEach((timeS, n) => {
    if (kept.length > 0 && timeS - kept.at(-1)!.timeS < BOX_EVERY_S) return;
    const [x0, y0, x1, y1] = boxes.subarray(4 * n, 4 * n + 4) as unknown as [number, number, number, number];
    kept.push({ timeS, x: x0 / width, y: y0 / height, width: (x1 - x0) / width, height: (y1 - y0) / height });
  });
  return { startS: timesS[0] ?? 0, endS: timesS.at(-1) ?? 0, boxes: kept };
}

export function longestFaces(faces: readonly SeenFace[]): SeenFace[] {
  const length = ({ startS, endS }: SeenFace) => endS - startS;
  const least = faces.map(length).sort((a, b) => b - a)[MOST_FACES - 1] ?? 0;
  return faces.filter((face) => length(face) >= least).slice(0, MOST_FACES);
}
