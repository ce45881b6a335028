import { LAG_MS } from '../model-clock.js';
import { ROW_FRAMES, ROW_S, type Row } from '../rows.js';

/** Evidence as a film gives it: a peak of about 50 ms at the true lag of each time, in noise that another seed changes. */
export function madeRows(
  seconds: number,
  offsetMsAt: (timeS: number) => number,
  { reach = 100, strength = 1, seed = 1 }: { reach?: number; strength?: number; seed?: number } = {},
): Row[] {
  const chance = chances(seed);
  return Array.from({ length: Math.floor(seconds / ROW_S) }, (_, at): Row => {
    const peak = reach + offsetMsAt((at + 0.5) * ROW_S) / LAG_MS;
    const noise = smooth(Array.from({ length: 2 * reach + 1 }, () => 4 * (chance() - 0.5)));
    const scores = Float32Array.from(
      noise,
      (value, lag) => value + strength * 2 * Math.exp(-0.5 * ((lag - peak) / 5) ** 2),
    );
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    return { at, scores: scores.map((score) => score - mean), frames: ROW_FRAMES };
  });
}

/** Neighbouring lags are alike, as the model's are. */
function smooth(values: readonly number[]): number[] {
  return values.map((_, n) => {
    const near = values.slice(Math.max(0, n - 3), n + 4);
    return near.reduce((sum, value) => sum + value, 0) / near.length;
  });
}

/** Park and Miller's generator: the same numbers everywhere. */
function chances(seed: number): () => number {
  let state = (seed * 48271) % 2147483647;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
