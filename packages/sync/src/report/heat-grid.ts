import type { SyncEvidence } from '../measurement.js';

/** What the page draws at most: columns of time, rows of offset. */
const MOST_COLUMNS = 600;
const MOST_ROWS = 201;
/** A measured time stands for what lies around it, up to so many of the usual steps: beyond it nothing was measured. */
const REACH_STEPS = 0.75;
/** A cell without a value. */
export const NOTHING = 255;
const MOST_LEVEL = 254;
/** Values from which the range is taken. */
const MOST_SAMPLED = 50_000;

/** The agreement over film time and offset, ready to be drawn. */
export interface HeatGrid {
  columns: number;
  rows: number;
  /** Columns one after the other, each from the earliest offset to the latest: 0 to 254, or `NOTHING`. */
  cells: Uint8Array;
  firstMs: number;
  lastMs: number;
}

/** Where lips and sound agree best at a time of the film. */
export interface BestAtTime {
  timeS: number;
  offsetMs: number;
  score: number;
}

/** Scales the map to what can be seen. Where nothing was measured, for example in silence, there is nothing. */
export function heatGrid({ map, offsetsMs }: SyncEvidence, durationS: number): HeatGrid | undefined {
  const firstMs = offsetsMs[0];
  const lastMs = offsetsMs.at(-1);
  if (map.length === 0 || firstMs === undefined || lastMs === undefined || !(durationS > 0)) return undefined;
  const stepS = usualStepS(map, durationS);
  const columns = Math.max(1, Math.min(MOST_COLUMNS, Math.round(durationS / stepS)));
  const rows = Math.min(MOST_ROWS, offsetsMs.length);
  const [low, high] = rangeOf(map);
  const cells = new Uint8Array(columns * rows).fill(NOTHING);
  let nearest = 0;
  for (let column = 0; column < columns; column++) {
    const timeS = ((column + 0.5) / columns) * durationS;
    while (nearest + 1 < map.length && distance(map, nearest + 1, timeS) <= distance(map, nearest, timeS)) nearest++;
    const reachS = REACH_STEPS * Math.max(stepS, durationS / columns);
    if (distance(map, nearest, timeS) > reachS) continue;
    const { scores } = map[nearest]!;
    for (let row = 0; row < rows; row++) {
      const score = greatest(scores, row, rows);
      if (!Number.isFinite(score)) continue;
      const level = Math.round(((score - low) / (high - low)) * MOST_LEVEL);
      cells[column * rows + row] = Math.max(0, Math.min(MOST_LEVEL, level));
    }
  }
  return { columns, rows, cells, firstMs, lastMs };
}

/** The best offset at each measured time, at most so many, evenly chosen. */
export function bestByTime({ map, offsetsMs }: SyncEvidence, most: number): BestAtTime[] {
  const every = Math.max(1, Math.ceil(map.length / most));
  const found: BestAtTime[] = [];
  for (let i = 0; i < map.length; i += every) {
    const { timeS, scores } = map[i]!;
    let at = -1;
    for (let k = 0; k < scores.length; k++)
      if (Number.isFinite(scores[k]) && (at < 0 || scores[k]! > scores[at]!)) at = k;
    if (at >= 0 && offsetsMs[at] !== undefined) found.push({ timeS, offsetMs: offsetsMs[at]!, score: scores[at]! });
  }
  return found;
}

/** Of several offsets that fall into one row the best is shown, so that a narrow ridge is not lost. */
function greatest(scores: readonly number[], row: number, rows: number): number {
  const from = Math.floor((row * scores.length) / rows);
  const to = Math.max(from + 1, Math.floor(((row + 1) * scores.length) / rows));
  let most = -Infinity;
  for (let i = from; i < to; i++) if (scores[i]! > most) most = scores[i]!;
  return most;
}

function distance(map: SyncEvidence['map'], index: number, timeS: number): number {
  return Math.abs(map[index]!.timeS - timeS);
}

function usualStepS(map: SyncEvidence['map'], durationS: number): number {
  const steps = map.slice(1).map(({ timeS }, i) => timeS - map[i]!.timeS);
  const sorted = steps.filter((step) => step > 0).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? durationS;
}

/** From the usual to the best: a few extreme cells don't make all others look alike. */
function rangeOf(map: SyncEvidence['map']): [low: number, high: number] {
  const every = Math.ceil((map.length * map[0]!.scores.length) / MOST_SAMPLED);
  const sampled = map.flatMap(({ scores }, i) =>
    scores.filter((score, k) => (i * 7 + k) % every === 0 && Number.isFinite(score)),
  );
  const sorted = Float64Array.from(sampled).sort();
  if (sorted.length === 0) return [0, 1];
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
  const [low, high] = [at(0.25), at(0.997)];
  return high > low ? [low, high] : [low, low + 1];
}
