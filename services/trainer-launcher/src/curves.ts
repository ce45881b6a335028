import type { Curve } from '@soundstage/contracts';

/** So that a run with all its curves fits into a message: at most 100 × 1,000 points of 8 + 3 bytes. */
const MOST_CURVES = 100;
const MOST_POINTS = 1000;
const LONGEST_NAME = 200;
const LAST_STEP = 2 ** 32 - 1;

/** The curves of a run as they grow. */
export interface Curves {
  /** Adds a point; what goes back over a step draws the curve anew from there, as a run does that was taken up again. */
  add(name: string, step: number, value: number): void;
  /** In the order in which they began. */
  all(): Curve[];
}

/**
 * Collects points, and thins a curve out evenly where it has too many of them.
 *
 * @param earlier what was drawn before the run was taken up again
 */
export function createCurves(earlier: readonly Curve[] = []): Curves {
  const curves = new Map<string, [step: number, value: number][]>();
  for (const { name, steps, values } of earlier) {
    curves.set(
      name,
      steps.map((step, i) => [step, values[i] ?? 0]),
    );
  }
  return {
    add(name, step, value) {
      if (!Number.isInteger(step) || step < 0 || step > LAST_STEP || !Number.isFinite(value)) return;
      let points = curves.get(name);
      if (!points) {
        if (curves.size >= MOST_CURVES || name.length > LONGEST_NAME) return;
        curves.set(name, (points = []));
      }
      while (points.length > 0 && points.at(-1)![0] >= step) points.pop();
      points.push([step, value]);
      if (points.length > MOST_POINTS) curves.set(name, thinnedOut(points));
    },
    all: () =>
      [...curves].map(([name, points]) => ({
        name,
        steps: points.map(([step]) => step),
        values: points.map(([, value]) => value),
      })),
  };
}

/** Every second point, the first and the last among them. */
function thinnedOut<T>(points: readonly T[]): T[] {
  return points.filter((_point, i) => (points.length - 1 - i) % 2 === 0 || i === 0);
}
