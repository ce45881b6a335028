/** [seconds, gain 0 to 1]. */
export type EnvelopePoint = [timeS: number, level: number];

/**
 * The fewest points whose straight lines stay within tolerance of an evenly sampled envelope (Ramer, Douglas and
 * Peucker, by the vertical distance).
 */
export function envelopePoints(
  levels: ArrayLike<number>,
  options: { rateHz: number; startS?: number; tolerance?: number },
): EnvelopePoint[] {
  const { rateHz, startS = 0, tolerance = 0.02 } = options;
  if (levels.length === 0) return [[startS, 0]];
  const kept = new Set([0, levels.length - 1]);
  const spans: [number, number][] = [[0, levels.length - 1]];
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const [first, last] = span;
    let [worst, farthest] = [tolerance, -1];
    for (let i = first + 1; i < last; i++) {
      const line = levels[first]! + ((levels[last]! - levels[first]!) * (i - first)) / (last - first);
      const distance = Math.abs(levels[i]! - line);
      if (distance > worst) [worst, farthest] = [distance, i];
    }
    if (farthest < 0) continue;
    kept.add(farthest);
    spans.push([first, farthest], [farthest, last]);
  }
  return [...kept].sort((a, b) => a - b).map((i) => [startS + i / rateHz, levels[i]!]);
}

/** Envelope points as evenly sampled levels from time 0. Before the first and after the last point their levels hold. */
export function envelopeLevels(points: readonly EnvelopePoint[], rateHz: number, count: number): Float32Array {
  let next = 0;
  return Float32Array.from({ length: count }, (_, i) => {
    const timeS = i / rateHz;
    while (next < points.length && points[next]![0] <= timeS) next++;
    const before = points[next - 1] ?? points[0]!;
    const after = points[next] ?? before;
    const width = after[0] - before[0];
    return width <= 0 ? before[1] : before[1] + ((after[1] - before[1]) * Math.max(0, timeS - before[0])) / width;
  });
}
