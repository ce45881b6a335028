import { LAG_MS } from './model-clock.js';

/** What a curve of agreement over lags says. */
export interface Peak {
  /** Between the lags, by the parabola through the best and its neighbours; in lags from the curve's middle. */
  lag: number;
  score: number;
  /** By how much the best is better than any that is further than RIVAL_MS from it. */
  margin: number;
  /** By how much it is better than the mean of the two that are RIVAL_MS from it: little where only the pauses agree. */
  flank: number;
}

/** What lies nearer to the best is the same peak, not a rival. */
const RIVAL_MS = 120;

/** @param curve over lags, the middle is offset zero */
export function peakOf(curve: Float64Array): Peak {
  let best = 0;
  curve.forEach((score, lag) => {
    if (score > curve[best]!) best = lag;
  });
  const score = curve[best]!;
  let rival = -Infinity;
  const near = RIVAL_MS / LAG_MS;
  curve.forEach((other, lag) => {
    if (Math.abs(lag - best) > near) rival = Math.max(rival, other);
  });
  const last = curve.length - 1;
  const beside = (curve[Math.max(0, best - near)]! + curve[Math.min(last, best + near)]!) / 2;
  return { lag: best + vertex(curve, best) - last / 2, score, margin: score - rival, flank: score - beside };
}

/** Where the parabola through three neighbours is highest, −0.5 to 0.5. */
function vertex(curve: Float64Array, best: number): number {
  const [before, at, after] = [curve[best - 1], curve[best]!, curve[best + 1]];
  if (before === undefined || after === undefined) return 0;
  const bend = before - 2 * at + after;
  return bend < 0 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * bend))) : 0;
}

/** How a curve's peak is turned into the chance that it is right within 80 ms: fitted by the recipe, kept on its card. */
export interface ConfidenceLine {
  bias: number;
  margin: number;
  flank: number;
  share: number;
  /** For each natural logarithm of the seconds of speech. */
  seconds: number;
}

/**
 * @param share the peak's score, of what the rows would have if each had a lag of its own
 * @param seconds of lips that were compared
 */
export function confidenceOf({ margin, flank }: Peak, share: number, seconds: number, line: ConfidenceLine): number {
  if (!(seconds > 0)) return 0;
  const root = Math.sqrt(seconds);
  const sum =
    line.bias +
    line.margin * (margin / root) +
    line.flank * (flank / root) +
    line.share * share +
    line.seconds * Math.log(seconds);
  return 1 / (1 + Math.exp(-sum));
}
