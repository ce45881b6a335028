import { setImmediate as nextTurn } from 'node:timers/promises';
import { sha256 } from '@soundstage/core';
import type { Clip, Source } from './sources.js';

/** A source with how many clips of each label it holds; the last column counts all of its clips. */
interface Weighed<C extends Clip> {
  source: Source<C>;
  columns: number[];
  counts: number[];
  part: number;
}

/** Improving rounds end by themselves; this keeps a defect from making them endless. */
const MAX_ROUNDS = 100;
/** Trades that are looked at, all in all: a second or two of work. */
const MAX_TRADES = 5_000_000;
/** Longest time without a turn for others, who keep leases and answer health checks. */
const TURN_MS = 20;
/** Smaller gains are rounding errors. */
const LEAST_GAIN = 1e-9;

/**
 * Divides sources into parts, each label as near to the parts' shares as whole sources allow.
 *
 * What is made small is the sum of squared deviations, in clips, of every label's count and of the total count from
 * its share. Sources are placed one by one, largest first, where they add least to it; then single sources move, and
 * pairs of sources change places, as long as that makes it smaller. Equal seeds give equal parts, whatever the order
 * of the clips; the seed decides which of equally good sources goes where.
 *
 * @param shares of the clips, 0 or more, adding up to 1; a part with a share of 0 stays empty
 * @returns the part of each source, in the order of `sources`
 */
export async function divide<C extends Clip>(
  sources: readonly Source<C>[],
  shares: readonly number[],
  seed: bigint,
): Promise<number[]> {
  const breathe = takeTurns();
  const names = new Set(sources.flatMap(({ clips }) => clips.map(({ label }) => label)));
  const labels = new Map([...names].sort().map((label, index) => [label, index]));
  const columnSums = new Float64Array(labels.size + 1);
  const weighed = sources.map((source) => weigh(source, labels));
  const ordered = weighed
    .map((each) => ({ each, lot: sha256(`${seed}\n${each.source.id}`) }))
    .sort((a, b) => b.each.source.clips.length - a.each.source.clips.length || (a.lot < b.lot ? -1 : 1))
    .map(({ each }) => each);
  for (const { columns, counts } of ordered) columns.forEach((c, i) => (columnSums[c]! += counts[i]!));

  /** How many clips more than its share a part has, by label, and in all. */
  const excess = shares.map((share) => columnSums.map((sum) => -share * sum));
  const open = shares.map((_, p) => p).filter((p) => shares[p]! > 0);

  /** How the sum of squares changes when a source comes to a part (sign 1) or leaves it (sign −1). */
  const change = ({ columns, counts }: Weighed<C>, part: number, sign: 1 | -1): number => {
    const row = excess[part]!;
    let sum = 0;
    for (let i = 0; i < columns.length; i++) sum += counts[i]! * (2 * sign * row[columns[i]!]! + counts[i]!);
    return sum;
  };
  const apply = ({ columns, counts }: Weighed<C>, part: number, sign: 1 | -1) => {
    const row = excess[part]!;
    for (let i = 0; i < columns.length; i++) row[columns[i]!]! += sign * counts[i]!;
  };
  const moveTo = (each: Weighed<C>, part: number) => {
    apply(each, each.part, -1);
    apply(each, part, 1);
    each.part = part;
  };

  for (const each of ordered) {
    await breathe();
    each.part = open.reduce(
      (best, p) => (change(each, p, 1) < change(each, best, 1) - LEAST_GAIN ? p : best),
      open[0]!,
    );
    apply(each, each.part, 1);
  }

  /** Moves each source to a better part, where there is one. */
  async function moveSingles(): Promise<boolean> {
    let moved = false;
    for (const each of ordered) {
      await breathe();
      const leaving = change(each, each.part, -1);
      for (const p of open) {
        if (p === each.part || leaving + change(each, p, 1) > -LEAST_GAIN) continue;
        moveTo(each, p);
        moved = true;
        break;
      }
    }
    return moved;
  }

  let trades = MAX_TRADES;
  /** Lets two sources change places where that is better, until the trades are used up. */
  async function tradePairs(): Promise<boolean> {
    let traded = false;
    /** By source and part: what leaving its part, or coming to another one, would change. */
    const changes = new Float64Array(ordered.length * shares.length);
    const note = (part: number) =>
      ordered.forEach((each, i) => {
        changes[i * shares.length + part] = change(each, part, each.part === part ? -1 : 1);
      });
    open.forEach(note);
    for (let a = 0; a < ordered.length && trades > 0; a++) {
      await breathe();
      const [one, rowA] = [ordered[a]!, a * shares.length];
      for (let b = a + 1; b < ordered.length && trades > 0; b++) {
        const [other, rowB] = [ordered[b]!, b * shares.length];
        const [from, to] = [one.part, other.part];
        if (from === to) continue;
        trades--;
        const apart = changes[rowA + from]! + changes[rowA + to]! + changes[rowB + from]! + changes[rowB + to]!;
        // What the two have in common doesn't move at all.
        if (apart - 4 * common(one, other) > -LEAST_GAIN) continue;
        moveTo(one, to);
        moveTo(other, from);
        note(from);
        note(to);
        traded = true;
      }
    }
    return traded;
  }

  for (let round = 0; round < MAX_ROUNDS; round++) if (!(await moveSingles()) && !(await tradePairs())) break;
  return weighed.map(({ part }) => part);
}

/** Sum over columns of the products of two sources' counts: by how much their moves in opposite directions interact. */
function common<C extends Clip>(a: Weighed<C>, b: Weighed<C>): number {
  let sum = 0;
  for (let i = 0, j = 0; i < a.columns.length && j < b.columns.length;) {
    if (a.columns[i] === b.columns[j]) sum += a.counts[i++]! * b.counts[j++]!;
    else if (a.columns[i]! < b.columns[j]!) i++;
    else j++;
  }
  return sum;
}

function weigh<C extends Clip>(source: Source<C>, labels: ReadonlyMap<string, number>): Weighed<C> {
  const counts = new Map<number, number>();
  for (const { label } of source.clips) {
    const column = labels.get(label)!;
    counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  counts.set(labels.size, source.clips.length);
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return { source, columns: sorted.map(([column]) => column), counts: sorted.map(([, count]) => count), part: 0 };
}

/** Gives other work of this process a turn whenever it has waited long enough. */
function takeTurns(): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < TURN_MS) return undefined;
    return nextTurn().then(() => {
      last = performance.now();
    });
  };
}
