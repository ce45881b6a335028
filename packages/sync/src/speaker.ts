import type { Row } from './rows.js';

/** Rows to each side that are added up to decide who speaks: ±1.6 s. */
const NEAR_ROWS = 4;

/**
 * Of several faces that are seen at once, the one that speaks: whose lips agree best with the sound at any one lag over
 * the seconds around.
 *
 * @param faces the rows of each face by their time
 * @returns for each time with a face, the rows of its speaker and which face that is, in order of time
 */
export function whoSpeaks(faces: readonly ReadonlyMap<number, Row>[]): { row: Row; face: number }[] {
  const times = [...new Set(faces.flatMap((rows) => [...rows.keys()]))].sort((a, b) => a - b);
  return times.map((at) => {
    const seen = faces.flatMap((rows, face) => (rows.has(at) ? [face] : []));
    const face = seen.length === 1 ? seen[0]! : best(seen, (one) => agreementNear(faces[one]!, at));
    return { row: faces[face]!.get(at)!, face };
  });
}

function agreementNear(rows: ReadonlyMap<number, Row>, at: number): number {
  const near = Array.from({ length: 2 * NEAR_ROWS + 1 }, (_, n) => rows.get(at - NEAR_ROWS + n)).filter(
    (row) => row !== undefined,
  );
  const lags = near[0]!.scores.length;
  let most = -Infinity;
  for (let lag = 0; lag < lags; lag++) {
    let sum = 0;
    for (const row of near) sum += row.scores[lag]!;
    most = Math.max(most, sum);
  }
  return most;
}

function best(items: readonly number[], score: (item: number) => number): number {
  const scores = items.map(score);
  return items[scores.indexOf(Math.max(...scores))]!;
}
