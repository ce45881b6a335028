import { sha256 } from '@soundstage/core';
import { groupBySource, type Clip, type Source } from './sources.js';

export const SPLITS = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof SPLITS)[number];

export interface Shares {
  train: number;
  validation: number;
  test: number;
}

/** A source with how many clips of each label it holds; the last column counts all of its clips. */
interface Weighed {
  source: Source;
  columns: number[];
  counts: number[];
  split: number;
}

/** Improving rounds end by themselves; this keeps a defect from making them endless. */
const MAX_ROUNDS = 100;
/** Smaller gains are rounding errors. */
const LEAST_GAIN = 1e-9;

/**
 * Divides clips into train, validation and test: whole sources only, each label as near to the shares as whole sources
 * allow.
 *
 * What is made small is the sum of squared deviations, in clips, of every label's count and of the total count from
 * its share. Sources are placed one by one, largest first, where they add least to it; then sources move as long as
 * any single move makes it smaller. Equal seeds give equal splits, whatever the order of the clips; the seed decides
 * which of equally good sources goes where.
 */
export function divide(clips: readonly Clip[], shares: Shares, seed: bigint): { clip: Clip; split: SplitName }[] {
  const labels = new Map([...new Set(clips.map((clip) => clip.label))].sort().map((label, index) => [label, index]));
  const total = labels.size;
  const share = SPLITS.map((split) => shares[split]);
  const columnSums = new Float64Array(total + 1);
  const sources = groupBySource(clips)
    .map((source) => weigh(source, labels))
    .map((weighed) => ({ weighed, lot: sha256(`${seed}\n${weighed.source.id}`) }))
    .sort((a, b) => b.weighed.source.clips.length - a.weighed.source.clips.length || (a.lot < b.lot ? -1 : 1))
    .map(({ weighed }) => weighed);
  for (const { columns, counts } of sources) columns.forEach((c, i) => (columnSums[c]! += counts[i]!));

  /** How many clips more than its share a split has, by label, and in all. */
  const excess = share.map((part) => columnSums.map((sum) => -part * sum));
  const open = SPLITS.map((_, s) => s).filter((s) => share[s]! > 0);
  /** How the sum of squares changes when a source comes to a split (sign 1) or leaves it (sign −1). */
  const change = ({ columns, counts }: Weighed, split: number, sign: 1 | -1): number =>
    columns.reduce((sum, column, i) => sum + counts[i]! * (2 * sign * excess[split]![column]! + counts[i]!), 0);
  const apply = ({ columns, counts }: Weighed, split: number, sign: 1 | -1) =>
    columns.forEach((column, i) => (excess[split]![column]! += sign * counts[i]!));

  for (const source of sources) {
    source.split = open.reduce(
      (best, s) => (change(source, s, 1) < change(source, best, 1) - LEAST_GAIN ? s : best),
      open[0]!,
    );
    apply(source, source.split, 1);
  }
  for (let round = 0, moved = true; moved && round < MAX_ROUNDS; round++) {
    moved = false;
    for (const source of sources) {
      const leaving = change(source, source.split, -1);
      for (const s of open) {
        if (s === source.split || leaving + change(source, s, 1) > -LEAST_GAIN) continue;
        apply(source, source.split, -1);
        apply(source, s, 1);
        source.split = s;
        moved = true;
        break;
      }
    }
  }
  return sources.flatMap(({ source, split }) => source.clips.map((clip) => ({ clip, split: SPLITS[split]! })));
}

function weigh(source: Source, labels: ReadonlyMap<string, number>): Weighed {
  const counts = new Map<number, number>();
  for (const { label } of source.clips) {
    const column = labels.get(label)!;
    counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  counts.set(labels.size, source.clips.length);
  return { source, columns: [...counts.keys()], counts: [...counts.values()], split: 0 };
}
