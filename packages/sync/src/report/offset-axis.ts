const STEPS_MS = [100, 200, 250, 500, 1000, 2000, 2500, 5000];

/** Round offsets of a range, at most about so many. */
export function offsetTicks(firstMs: number, lastMs: number, most: number): number[] {
  const step = STEPS_MS.find((each) => (lastMs - firstMs) / each <= most) ?? 10_000;
  const from = Math.ceil(firstMs / step);
  return Array.from({ length: Math.floor(lastMs / step) - from + 1 }, (_, i) => (from + i) * step);
}

/** `+500 ms`, `0 ms`, `−500 ms` */
export function tickWords(ms: number): string {
  return `${ms > 0 ? '+' : ms < 0 ? '−' : ''}${Math.abs(ms)} ms`;
}

/** Which end of an axis a mark is so close to that its words would stand outside. */
export function edge(position: number): 'at-start' | 'at-end' | '' {
  return position < 0.03 ? 'at-start' : position > 0.97 ? 'at-end' : '';
}
