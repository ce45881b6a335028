import { LAG_MS } from './model-clock.js';
import { peakOf, type Peak } from './curve.js';
import { ROW_S, sumOf, type Row } from './rows.js';

/** Rows that share one offset, or one slope. */
export interface Stretch {
  rows: readonly Row[];
  driftPpm: number;
  /** Over lags; at the middle of the stretch's time where it drifts. */
  curve: Float64Array;
  peak: Peak;
  middleS: number;
}

/** What more must be explained by a model that has more to choose; from the card, in the agreement of the model. */
export interface Penalties {
  /** Agreement that each break must gain. */
  break: number;
  /** Agreement that a drift must gain over a constant offset. */
  drift: number;
}

/** Speech that a stretch of its own needs, seconds. */
const LEAST_STRETCH_S = 4;
/** What lies nearer is one offset, ms. */
const LEAST_JUMP_MS = 60;
/** Slopes that are tried, and how much the offset must change over the film for a slope to be told from a constant. */
const MOST_DRIFT_PPM = 3000;
const DRIFT_STEP_PPM = 25;
const LEAST_DRIFT_MS = 60;
/** A long film's slope is sought on sums of its rows. */
const MOST_GROUPS = 500;

/** One constant offset, one even drift, or several stretches: whichever explains the rows best for what it has to choose. */
export function fit(rows: readonly Row[], lags: number, penalties: Penalties): Stretch[] {
  const constant = stretchOf(rows, lags, 0);
  const drift = bestDrift(rows, lags);
  const pieces = bestPieces(rows, lags, penalties.break);
  const scores = [
    constant.peak.score,
    drift ? drift.peak.score - penalties.drift : -Infinity,
    pieces.length > 1 ? sum(pieces.map(({ peak }) => peak.score)) - penalties.break * (pieces.length - 1) : -Infinity,
  ];
  const best = scores.indexOf(Math.max(...scores));
  return best === 2 ? pieces : [best === 1 ? drift! : constant];
}

export function stretchOf(rows: readonly Row[], lags: number, driftPpm: number): Stretch {
  const middleS = rows.length > 0 ? (timeOf(rows[0]!) + timeOf(rows.at(-1)!)) / 2 : 0;
  const curve =
    driftPpm === 0 ? sumOf(rows, lags) : sumOf(rows, lags, (row) => driftedLags({ driftPpm, middleS }, row));
  return { rows, driftPpm, curve, peak: peakOf(curve), middleS };
}

/** By how many lags the offset has drifted at a row, counted from the middle of its stretch. */
export const driftedLags = ({ driftPpm, middleS }: Pick<Stretch, 'driftPpm' | 'middleS'>, row: Row): number =>
  ((timeOf(row) - middleS) * driftPpm) / 1000 / LAG_MS;

/** Middle of a row, seconds. */
export const timeOf = (row: Row): number => (row.at + 0.5) * ROW_S;

function bestDrift(rows: readonly Row[], lags: number): Stretch | undefined {
  if (rows.length < 2) return undefined;
  const lengthS = timeOf(rows.at(-1)!) - timeOf(rows[0]!);
  const least = (LEAST_DRIFT_MS / lengthS) * 1000;
  // Finer steps than a lag over the whole length tell nothing, coarser ones miss the peak.
  const step = Math.max(DRIFT_STEP_PPM / 5, Math.min(DRIFT_STEP_PPM * 10, (LAG_MS / lengthS) * 1000));
  const few = grouped(rows, lags);
  let best: Stretch | undefined;
  const attempt = (driftPpm: number) => {
    const tried = stretchOf(few, lags, driftPpm);
    if (best === undefined || tried.peak.score > best.peak.score) best = tried;
  };
  for (let ppm = Math.ceil(least / step) * step; ppm <= MOST_DRIFT_PPM; ppm += step) {
    attempt(ppm);
    attempt(-ppm);
  }
  for (let finer = step / 2; best !== undefined && finer > step / 10; finer /= 2) {
    const { driftPpm } = best;
    attempt(driftPpm + finer);
    attempt(driftPpm - finer);
  }
  return best && stretchOf(rows, lags, best.driftPpm);
}

/** At most MOST_GROUPS sums of neighbouring rows: within each, a drift is less than what a lag is wide. */
function grouped(rows: readonly Row[], lags: number): readonly Row[] {
  const each = Math.ceil(rows.length / MOST_GROUPS);
  if (each <= 1) return rows;
  return Array.from({ length: Math.ceil(rows.length / each) }, (_, n): Row => {
    const own = rows.slice(n * each, (n + 1) * each);
    return {
      at: own.reduce((sum, { at }) => sum + at, 0) / own.length,
      scores: Float32Array.from(sumOf(own, lags)),
      frames: own.reduce((sum, { frames }) => sum + frames, 0),
    };
  });
}

/** The best way through lags and time where each change of the lag costs `penalty` (Viterbi). */
function bestPieces(rows: readonly Row[], lags: number, penalty: number): Stretch[] {
  if (rows.length < 2) return [];
  let scores = Float64Array.from(rows[0]!.scores);
  const cameFrom: Int16Array[] = [];
  for (const row of rows.slice(1)) {
    const top = argmax(scores);
    const jumped = scores[top]! - penalty;
    const next = new Float64Array(lags);
    const from = new Int16Array(lags);
    for (let lag = 0; lag < lags; lag++) {
      const stays = scores[lag]! >= jumped;
      next[lag] = (stays ? scores[lag]! : jumped) + row.scores[lag]!;
      from[lag] = stays ? lag : top;
    }
    cameFrom.push(from);
    scores = next;
  }
  const way = new Array<number>(rows.length);
  way[rows.length - 1] = argmax(scores);
  for (let n = rows.length - 1; n > 0; n--) way[n - 1] = cameFrom[n - 1]![way[n]!]!;
  const parts: Row[][] = [];
  rows.forEach((row, n) => {
    if (n === 0 || way[n] !== way[n - 1]) parts.push([]);
    parts.at(-1)!.push(row);
  });
  return joined(parts, lags);
}

/** Too short stretches go to the neighbour that they fit better; neighbours that hardly differ become one. */
function joined(parts: Row[][], lags: number): Stretch[] {
  const stretches = parts.map((rows) => stretchOf(rows, lags, 0));
  for (;;) {
    const short = stretches.findIndex(({ rows }) => rows.length * ROW_S < LEAST_STRETCH_S);
    const alike = stretches.findIndex(
      ({ peak }, n) => n > 0 && Math.abs(peak.lag - stretches[n - 1]!.peak.lag) * LAG_MS < LEAST_JUMP_MS,
    );
    if (stretches.length < 2 || (short < 0 && alike < 0)) return stretches;
    const at = short >= 0 ? shortGoesTo(stretches, short, lags) : alike - 1;
    const rows = [...stretches[at]!.rows, ...stretches[at + 1]!.rows];
    stretches.splice(at, 2, stretchOf(rows, lags, 0));
  }
}

/** The first of the two stretches that become one. */
function shortGoesTo(stretches: readonly Stretch[], short: number, lags: number): number {
  if (short === 0) return 0;
  if (short === stretches.length - 1) return short - 1;
  const gain = (first: number) =>
    stretchOf([...stretches[first]!.rows, ...stretches[first + 1]!.rows], lags, 0).peak.score -
    stretches[first === short ? short + 1 : first]!.peak.score;
  return gain(short - 1) >= gain(short) ? short - 1 : short;
}

function argmax(values: Float64Array): number {
  let best = 0;
  values.forEach((value, n) => {
    if (value > values[best]!) best = n;
  });
  return best;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
