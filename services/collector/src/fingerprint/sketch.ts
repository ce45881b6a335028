import { NO_MARK, type Fingerprint } from './fingerprint.js';

export interface SketchMark {
  mark: number;
  /** Where it stands first. */
  step: number;
}

/** Marks of a clip that are indexed. */
const SKETCH_MARKS = 48;

/**
 * Chooses the marks that a clip is found by: those with the smallest hashes (a bottom-k sketch; A. Broder, "On the
 * resemblance and containment of documents", 1997). Two clips that share marks tend to choose the same ones, also when
 * one is a part of the other.
 */
export function sketchOf({ marks, heard }: Pick<Fingerprint, 'marks' | 'heard'>): SketchMark[] {
  const first = new Map<number, number>();
  marks.forEach((mark, step) => {
    if (heard[step] && mark !== NO_MARK && !first.has(mark)) first.set(mark, step);
  });
  return [...first]
    .map(([mark, step]) => ({ mark, step, hash: scramble(mark) }))
    .sort((a, b) => a.hash - b.hash)
    .slice(0, SKETCH_MARKS)
    .map(({ mark, step }) => ({ mark, step }));
}

/** A 32-bit mixer (the finaliser of MurmurHash3), so that the choice has nothing to do with what the mark means. */
function scramble(mark: number): number {
  let h = mark;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
