import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sha256 } from '@soundstage/core';
import { divide, SPLITS, type Shares, type SplitName } from './divide.js';
import type { Clip } from './sources.js';

const sharesArb: fc.Arbitrary<Shares> = fc
  .tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 10 }))
  .filter(([a, b, c]) => a + b + c > 0)
  .map(([a, b, c]) => ({ train: a / (a + b + c), validation: b / (a + b + c), test: c / (a + b + c) }));

const clip = (n: number, source: number, label: number): Clip => ({
  key: `media/${sha256(`clip ${n}`)}`,
  sha256: sha256(`clip ${n}`),
  sourceId: source < 0 ? '' : `source-${source}`,
  label: `label-${label}`,
});

/** Clips of few sources and labels; some without a source, some of the same bytes as another. */
const clipsArb = fc
  .array(fc.tuple(fc.nat(60), fc.integer({ min: -1, max: 12 }), fc.nat(4)), { minLength: 1, maxLength: 60 })
  .map((rows) => rows.map(([n, source, label]) => clip(n, source, label)));
const seedArb = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

type Divided = { clip: Clip; split: SplitName }[];
const asText = (divided: Divided) => divided.map((d) => JSON.stringify(d)).sort();

/** Sum of squared deviations of each label's and the total count from its share, written down independently. */
function unevenness(divided: Divided, shares: Shares): number {
  let sum = 0;
  for (const label of [undefined, ...new Set(divided.map((d) => d.clip.label))]) {
    const those = divided.filter((d) => label === undefined || d.clip.label === label);
    for (const split of SPLITS) {
      sum += (those.filter((d) => d.split === split).length - shares[split] * those.length) ** 2;
    }
  }
  return sum;
}

/** Clips that one may not tear apart: connected through a source's name or through equal bytes. */
function togetherWith(first: Clip, clips: readonly Clip[]): Set<Clip> {
  const together = new Set([first]);
  for (let grown = true; grown;) {
    grown = false;
    for (const c of clips) {
      if (together.has(c)) continue;
      if ([...together].some((t) => t.sha256 === c.sha256 || (t.sourceId !== '' && t.sourceId === c.sourceId))) {
        together.add(c);
        grown = true;
      }
    }
  }
  return together;
}

describe('a split', () => {
  test('holds every clip once, and none in a split whose share is zero', () => {
    fc.assert(
      fc.property(clipsArb, sharesArb, seedArb, (clips, shares, seed) => {
        const divided = divide(clips, shares, seed);
        expect(new Set(divided.map((d) => d.clip))).toEqual(new Set(clips));
        expect(divided).toHaveLength(clips.length);
        for (const { split } of divided) expect(shares[split]).toBeGreaterThan(0);
      }),
    );
  });

  test('never has one source, or the same bytes, in two splits', () => {
    fc.assert(
      fc.property(clipsArb, sharesArb, seedArb, (clips, shares, seed) => {
        const splitOf = new Map(divide(clips, shares, seed).map((d) => [d.clip, d.split]));
        for (const c of clips) {
          const splits = new Set([...togetherWith(c, clips)].map((t) => splitOf.get(t)));
          expect(splits.size).toBe(1);
        }
      }),
    );
  });

  test('is the same for the same seed, whatever the order of the clips', () => {
    const shuffled = clipsArb.chain((clips) =>
      fc.tuple(fc.constant(clips), fc.shuffledSubarray(clips, { minLength: clips.length })),
    );
    fc.assert(
      fc.property(shuffled, sharesArb, seedArb, ([clips, other], shares, seed) => {
        expect(asText(divide(other, shares, seed))).toEqual(asText(divide(clips, shares, seed)));
      }),
    );
  });

  test('differs between seeds', () => {
    const clips = Array.from({ length: 40 }, (_, n) => clip(n, n, n % 2));
    const shares = { train: 0.5, validation: 0.25, test: 0.25 };
    const splits = new Set([1n, 2n, 3n, 4n].map((seed) => asText(divide(clips, shares, seed)).join()));
    expect(splits.size).toBe(4);
  });

  test('is as even as it can be made by moving any one source', () => {
    fc.assert(
      fc.property(clipsArb, sharesArb, seedArb, (clips, shares, seed) => {
        const divided = divide(clips, shares, seed);
        const now = unevenness(divided, shares);
        for (const { clip: first, split } of divided) {
          const source = togetherWith(first, clips);
          for (const other of SPLITS) {
            if (other === split || shares[other] === 0) continue;
            const moved = divided.map((d) => (source.has(d.clip) ? { ...d, split: other } : d));
            expect(unevenness(moved, shares)).toBeGreaterThan(now - 1e-6);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test('has every label within two clips of its share, and the whole within one, where each clip is its own source', () => {
    const own = fc
      .array(fc.nat(5), { minLength: 1, maxLength: 120 })
      .map((labels) => labels.map((label, n) => clip(n, -1, label)));
    fc.assert(
      fc.property(own, sharesArb, seedArb, (clips, shares, seed) => {
        const divided = divide(clips, shares, seed);
        for (const label of [undefined, ...new Set(clips.map((c) => c.label))]) {
          const those = divided.filter((d) => label === undefined || d.clip.label === label);
          for (const split of SPLITS) {
            const off = those.filter((d) => d.split === split).length - shares[split] * those.length;
            expect(Math.abs(off)).toBeLessThan(label === undefined ? 1 + 1e-9 : 2);
          }
        }
      }),
    );
  });

  test('of ten thousand clips takes no longer than a breath', () => {
    const clips = Array.from({ length: 10_000 }, (_, n) => clip(n, n % 4000, n % 50));
    const started = performance.now();
    divide(clips, { train: 0.8, validation: 0.1, test: 0.1 }, 1n);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
