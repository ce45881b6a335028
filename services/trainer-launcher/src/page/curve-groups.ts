import type { Curve } from '@soundstage/contracts';
import type { Html } from '@soundstage/html';
import { chart, type Series } from './chart.js';

/** Curves that a page draws, in the order in which they began. */
const MOST_CHARTS = 40;

/** One chart for each figure: `loss.training` and `loss.validation` are lines of `loss`. */
export function curveCharts(runs: readonly { label: string; curves: readonly Curve[] }[]): Html[] {
  const groups = new Map<string, Series[]>();
  const kinds = new Map<string, string[]>();
  for (const [colour, { label, curves }] of runs.entries()) {
    for (const { name, steps, values } of curves) {
      const dot = name.lastIndexOf('.');
      const [figure, kind] = dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
      const known = kinds.get(figure) ?? [];
      if (!known.includes(kind)) known.push(kind);
      kinds.set(figure, known);
      const lines = groups.get(figure) ?? [];
      const place = known.indexOf(kind);
      lines.push({
        label: [label, kind].filter(Boolean).join(' ') || figure,
        // A run alone: a colour each. Two runs: a colour for each run, the second kind dashed.
        colour: runs.length === 1 ? place % 4 : colour % 4,
        dashed: runs.length > 1 && place > 0,
        points: steps.map((step, i) => [step, values[i] ?? 0] as const),
      });
      groups.set(figure, lines);
    }
  }
  return [...groups].slice(0, MOST_CHARTS).map(([figure, lines]) => chart(figure, lines));
}
