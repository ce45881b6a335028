import type { SyncEvidence } from '@soundstage/sync';

const BLOCKS = ' ▁▂▃▄▅▆▇█';
const COLUMNS = 61;

/**
 * How well lips and sound agree at each offset that was tried, as two lines of text: the curve, and under it its ends
 * and where no offset lies. Nothing where nothing was compared.
 */
export function curveArt({ offsetsMs, curve }: Pick<SyncEvidence, 'offsetsMs' | 'curve'>): string[] {
  const [first, last] = [offsetsMs[0], offsetsMs.at(-1)];
  if (first === undefined || last === undefined || offsetsMs.length < COLUMNS / 4 || curve.length !== offsetsMs.length)
    return [];
  const columns = Math.min(COLUMNS, offsetsMs.length);
  // Each column shows the best of its offsets, so that no peak falls between two.
  const best = Array.from({ length: columns }, () => -Infinity);
  const columnOf = (offsetMs: number) => Math.round(((offsetMs - first) / (last - first)) * (columns - 1));
  for (const [index, offsetMs] of offsetsMs.entries()) {
    const column = columnOf(offsetMs);
    best[column] = Math.max(best[column]!, curve[index]!);
  }
  const top = Math.max(...best);
  const floor = Math.min(...best.filter(Number.isFinite));
  const drawn = best.map((value) => {
    const share = top > floor && Number.isFinite(value) ? (value - floor) / (top - floor) : 0;
    return BLOCKS[Math.round(share * (BLOCKS.length - 1))]!;
  });
  const [left, right] = [`${seconds(first)} early`, `${seconds(last)} late`];
  const zero = first < 0 && last > 0 ? columnOf(0) : undefined;
  const under = Array.from({ length: columns }, () => ' ');
  under.splice(0, left.length, ...left);
  under.splice(Math.max(0, columns - right.length), right.length, ...right);
  if (zero !== undefined && under[zero] === ' ') under[zero] = '0';
  return [drawn.join('').trimEnd(), under.join('').trimEnd()];
}

const seconds = (ms: number): string => `${Number((Math.abs(ms) / 1000).toFixed(1))} s`;
