import type { Fingerprint } from './fingerprint.js';

export interface SketchWord {
  word: number;
  /** Where it stands first. */
  step: number;
}

/** Words of a clip that are indexed. */
const SKETCH_WORDS = 32;

/**
 * Chooses the words that a clip is found by: those with the smallest hashes (a bottom-k sketch; A. Broder, "On the
 * resemblance and containment of documents", 1997). Two clips that share words tend to choose the same ones, also when
 * one is a part of the other.
 */
export function sketchOf({ words, heard }: Fingerprint): SketchWord[] {
  const first = new Map<number, number>();
  words.forEach((word, step) => {
    if (heard[step] && !isFlat(word) && !first.has(word)) first.set(word, step);
  });
  return [...first]
    .map(([word, step]) => ({ word, step, hash: scramble(word) }))
    .sort((a, b) => a.hash - b.hash)
    .slice(0, SKETCH_WORDS)
    .map(({ word, step }) => ({ word, step }));
}

/** Words of nearly equal bits come from anything. */
const isFlat = (word: number) => word === 0 || word === 0xffffffff;

/** A 32-bit mixer (the finaliser of MurmurHash3), so that the choice has nothing to do with what the word means. */
function scramble(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
