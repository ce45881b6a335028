import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sha256 } from '@soundstage/core';
import { SPLITS, type SplitName } from './dataset-clip.js';
import { placeClips, type Division } from './place.js';
import { groupBySource, type Clip } from './sources.js';

type Shares = Record<SplitName, number>;
type Divided = { clip: Clip; split: SplitName }[];

async function divide(clips: readonly Clip[], shares: Shares, seed: bigint): Promise<Divided> {
  const { placements, rejected } = await placeClips(clips, { method: 'shares', ...shares }, seed);
  expect(rejected.size).toBe(0);
  return [...placements].map(([clip, { split, fold }]) => {
    expect(fold).toBe(0);
    return { clip, split };
  });
}

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

describe('a split by shares', () => {
  test('holds every clip once, and none in a split whose share is zero', async () => {
    await fc.assert(
      fc.asyncProperty(clipsArb, sharesArb, seedArb, async (clips, shares, seed) => {
        const divided = await divide(clips, shares, seed);
        expect(new Set(divided.map((d) => d.clip))).toEqual(new Set(clips));
        expect(divided).toHaveLength(clips.length);
        for (const { split } of divided) expect(shares[split]).toBeGreaterThan(0);
      }),
    );
  });

  test('never has one source, or the same bytes, in two splits', async () => {
    await fc.assert(
      fc.asyncProperty(clipsArb, sharesArb, seedArb, async (clips, shares, seed) => {
        const splitOf = new Map((await divide(clips, shares, seed)).map((d) => [d.clip, d.split]));
        for (const c of clips) {
          const splits = new Set([...togetherWith(c, clips)].map((t) => splitOf.get(t)));
          expect(splits.size).toBe(1);
        }
      }),
    );
  });

  test('is the same for the same seed, whatever the order of the clips', async () => {
    const shuffled = clipsArb.chain((clips) =>
      fc.tuple(fc.constant(clips), fc.shuffledSubarray(clips, { minLength: clips.length })),
    );
    await fc.assert(
      fc.asyncProperty(shuffled, sharesArb, seedArb, async ([clips, other], shares, seed) => {
        expect(asText(await divide(other, shares, seed))).toEqual(asText(await divide(clips, shares, seed)));
      }),
    );
  });

  test('differs between seeds', async () => {
    const clips = Array.from({ length: 40 }, (_, n) => clip(n, n, n % 2));
    const shares = { train: 0.5, validation: 0.25, test: 0.25 };
    const divisions = await Promise.all([1n, 2n, 3n, 4n].map((seed) => divide(clips, shares, seed)));
    const splits = new Set(divisions.map((divided) => asText(divided).join()));
    expect(splits.size).toBe(4);
  });

  test('is as even as it can be made by moving any one source, or letting any two change places', async () => {
    await fc.assert(
      fc.asyncProperty(clipsArb, sharesArb, seedArb, async (clips, shares, seed) => {
        const divided = await divide(clips, shares, seed);
        const now = unevenness(divided, shares);
        const sources = groupBySource(clips).map((source) => new Set(source.clips));
        const splitOf = new Map(divided.map((d) => [d.clip, d.split]));
        const placeOf = (source: Set<Clip>) => splitOf.get([...source][0]!)!;
        const without = (moved: Map<Set<Clip>, SplitName>) =>
          divided.map((d) => {
            const source = [...moved.keys()].find((s) => s.has(d.clip));
            return source ? { ...d, split: moved.get(source)! } : d;
          });
        for (const source of sources) {
          for (const other of SPLITS) {
            if (shares[other] === 0) continue;
            expect(unevenness(without(new Map([[source, other]])), shares)).toBeGreaterThan(now - 1e-6);
          }
        }
        for (const [i, one] of sources.entries()) {
          for (const other of sources.slice(i + 1)) {
            const changed = new Map([
              [one, placeOf(other)],
              [other, placeOf(one)],
            ]);
            expect(unevenness(without(changed), shares)).toBeGreaterThan(now - 1e-6);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  test('of few sources is within one clip, on the root of the mean square, of the best of all divisions', async () => {
    const few = fc
      .array(fc.tuple(fc.nat(6), fc.nat(2)), { minLength: 1, maxLength: 40 })
      .map((rows) => rows.map(([source, label], n) => clip(n, source, label)));
    await fc.assert(
      fc.asyncProperty(few, sharesArb, seedArb, async (clips, shares, seed) => {
        const sources = groupBySource(clips);
        const open = SPLITS.filter((split) => shares[split] > 0);
        let best = Infinity;
        for (let code = 0; code < open.length ** sources.length; code++) {
          const divided = sources.flatMap((source, i) => {
            const split = open[Math.floor(code / open.length ** i) % open.length]!;
            return source.clips.map((c) => ({ clip: c, split }));
          });
          best = Math.min(best, unevenness(divided, shares));
        }
        const labels = new Set(clips.map((c) => c.label)).size;
        const rootMeanSquare = (sum: number) => Math.sqrt(sum / (SPLITS.length * (labels + 1)));
        const ours = unevenness(await divide(clips, shares, seed), shares);
        expect(rootMeanSquare(ours)).toBeLessThan(rootMeanSquare(best) + 1);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  test('has every label within two clips of its share, and the whole within one, where each clip is its own source', async () => {
    const own = fc
      .array(fc.nat(5), { minLength: 1, maxLength: 120 })
      .map((labels) => labels.map((label, n) => clip(n, -1, label)));
    await fc.assert(
      fc.asyncProperty(own, sharesArb, seedArb, async (clips, shares, seed) => {
        const divided = await divide(clips, shares, seed);
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

  test('of ten thousand clips lets other work of the process go on', async () => {
    const clips = Array.from({ length: 10_000 }, (_, n) => clip(n, n % 4000, n % 50));
    let [turns, running] = [0, true];
    const other = (async () => {
      for (; running; turns++) await new Promise((resolve) => setTimeout(resolve, 5));
    })();
    await divide(clips, { train: 0.8, validation: 0.1, test: 0.1 }, 1n);
    running = false;
    await other;
    expect(turns).toBeGreaterThan(5);
  }, 60_000);
});

const CROSS: Division = { method: 'folds', folds: 5, train: 1, test: 0 };

describe('folds', () => {
  test('hold each source once, and each clip in training', async () => {
    await fc.assert(
      fc.asyncProperty(clipsArb, seedArb, fc.integer({ min: 2, max: 6 }), async (clips, seed, folds) => {
        const { placements } = await placeClips(clips, { ...CROSS, folds }, seed);
        expect(new Set(placements.keys())).toEqual(new Set(clips));
        for (const [c, { split, fold }] of placements) {
          expect(split).toBe('train');
          expect(fold).toBeGreaterThanOrEqual(1);
          expect(fold).toBeLessThanOrEqual(folds);
          const places = [...togetherWith(c, clips)].map((t) => placements.get(t)?.fold);
          expect(new Set(places).size).toBe(1);
        }
      }),
    );
  });

  test('are of equal size to within a clip, where each clip is its own source', async () => {
    const own = fc
      .array(fc.nat(3), { minLength: 1, maxLength: 90 })
      .map((labels) => labels.map((label, n) => clip(n, -1, label)));
    await fc.assert(
      fc.asyncProperty(own, seedArb, async (clips, seed) => {
        const places = [...(await placeClips(clips, CROSS, seed)).placements.values()];
        const sizes = [1, 2, 3, 4, 5].map((fold) => places.filter((place) => place.fold === fold).length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('leave out what is kept for the test', async () => {
    const clips = Array.from({ length: 200 }, (_, n) => clip(n, n, n % 4));
    const { placements } = await placeClips(clips, { method: 'folds', folds: 4, train: 0.8, test: 0.2 }, 3n);
    const places = [...placements.values()];
    expect(places.filter(({ split, fold }) => split === 'test' && fold === 0)).toHaveLength(40);
    for (const fold of [1, 2, 3, 4]) expect(places.filter((place) => place.fold === fold)).toHaveLength(40);
  });
});

describe("a dataset's own split", () => {
  const own = (n: number, source: number, ownSplit: SplitName) => ({ ...clip(n, source, n % 3), ownSplit });
  const ownArb = fc
    .array(fc.tuple(fc.nat(40), fc.integer({ min: -1, max: 8 }), fc.constantFrom(...SPLITS)), { minLength: 1 })
    .map((rows) => rows.map(([n, source, split]) => own(n, source, split)));

  test('is kept, but for clips whose source is in a split that is guarded more', async () => {
    await fc.assert(
      fc.asyncProperty(ownArb, async (clips) => {
        const { placements, rejected } = await placeClips(clips, { method: 'own', validation: 0 }, 0n);
        for (const c of clips) {
          const splits = [...togetherWith(c, clips)].map((t) => (t as typeof c).ownSplit);
          const guarded = (['test', 'validation', 'train'] as const).find((split) => splits.includes(split))!;
          expect(placements.get(c)?.split).toBe(c.ownSplit === guarded ? guarded : undefined);
          expect(rejected.get(c)?.reason).toBe(c.ownSplit === guarded ? undefined : 'source_in_two_splits');
        }
      }),
    );
  });

  test('gives up a share of its training clips for validation where it has none', async () => {
    const clips = Array.from({ length: 100 }, (_, n) => own(n, n, n < 80 ? 'train' : 'test'));
    const { placements } = await placeClips(clips, { method: 'own', validation: 0.1 }, 0n);
    const count = (split: SplitName) => [...placements.values()].filter((place) => place.split === split).length;
    expect(SPLITS.map(count)).toEqual([72, 8, 20]);
    for (const c of clips.filter((each) => each.ownSplit === 'test')) expect(placements.get(c)?.split).toBe('test');
  });

  test('is refused a validation share where it has validation clips of its own', async () => {
    const clips = [own(1, 1, 'train'), own(2, 2, 'validation')];
    await expect(placeClips(clips, { method: 'own', validation: 0.1 }, 0n)).rejects.toThrow(/of its own/);
  });
});
