import type { Fingerprint } from './fingerprint.js';

type Words = Pick<Fingerprint, 'words' | 'heard'>;

/** How well two sounds fit where they fit best. */
export interface Match {
  /** Share of the bits that differ: 0 for the same sound, about 0.5 for strangers. */
  distance: number;
  /** Words that both have something to say in, at the best offset. */
  overlap: number;
}

/**
 * Compares two fingerprints at the given offsets (steps by which `b` begins later than `a`) and those next to them.
 *
 * @returns the best match, or undefined where they overlap by fewer than `minOverlap` words at each
 */
export function compareAt(a: Words, b: Words, offsets: Iterable<number>, minOverlap: number): Match | undefined {
  const wanted = new Set<number>();
  for (const offset of offsets) for (let d = -1; d <= 1; d++) wanted.add(offset + d);
  let best: Match | undefined;
  for (const offset of wanted) {
    let overlap = 0;
    let different = 0;
    const end = Math.min(a.words.length, b.words.length + offset);
    for (let n = Math.max(0, offset); n < end; n++) {
      if (!a.heard[n] || !b.heard[n - offset]) continue;
      overlap++;
      different += onesIn(a.words[n]! ^ b.words[n - offset]!);
    }
    if (overlap < minOverlap) continue;
    const distance = different / (32 * overlap);
    if (best === undefined || distance < best.distance) best = { distance, overlap };
  }
  return best;
}

/** Number of ones in 32 bits (Hacker's Delight, 5-1). */
function onesIn(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
