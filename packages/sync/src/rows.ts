import { FRAME_RATE_HZ } from './model-clock.js';

/** Frames whose agreement is added up to one row. */
export const ROW_FRAMES = 10;
export const ROW_S = ROW_FRAMES / FRAME_RATE_HZ;

/** How well a face agrees with the sound in a short time. */
export interface Row {
  /** Counted from the file's zero in ROW_S. */
  at: number;
  /** By lag. */
  scores: Float32Array;
  /** Frames that it is the sum of. */
  frames: number;
}

/**
 * Frames at both ends of a stretch that are left out: the model sees less around them, and where lips and sound begin at
 * once, at the ends of a file, that alone would look like agreement.
 */
const EDGE_FRAMES = 4;

/** Adds frames up to rows. @param agreement [frames, lags] from `firstFrame` on */
export function addToRows(rows: Map<number, Row>, agreement: Float32Array, firstFrame: number, lags: number): void {
  for (let n = EDGE_FRAMES; (n + EDGE_FRAMES) * lags < agreement.length; n++) {
    const at = Math.floor((firstFrame + n) / ROW_FRAMES);
    let row = rows.get(at);
    if (row === undefined) rows.set(at, (row = { at, scores: new Float32Array(lags), frames: 0 }));
    for (let lag = 0; lag < lags; lag++) row.scores[lag]! += agreement[n * lags + lag]!;
    row.frames++;
  }
}

/** The sum over rows by lag; each may be moved by a number of lags first. */
export function sumOf(rows: readonly Row[], lags: number, moveBy?: (row: Row) => number): Float64Array {
  const sum = new Float64Array(lags);
  for (const row of rows) {
    const move = moveBy ? Math.round(moveBy(row)) : 0;
    const from = Math.max(0, -move);
    const to = Math.min(lags, lags - move);
    for (let lag = from; lag < to; lag++) sum[lag]! += row.scores[lag + move]!;
  }
  return sum;
}

/** The sum over rows of each one's own best near a lag, which may be moved for each row. */
export function mostNear(
  rows: readonly Row[],
  { lag, near, moveBy }: { lag: number; near: number; moveBy: (row: Row) => number },
): number {
  return rows.reduce((sum, row) => {
    const at = lag + Math.round(moveBy(row));
    const around = row.scores.subarray(Math.max(0, at - near), Math.max(0, at + near + 1));
    return sum + around.reduce((most, score) => Math.max(most, score), 0);
  }, 0);
}
