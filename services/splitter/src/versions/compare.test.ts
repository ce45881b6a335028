import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DatasetChangeKind } from '@soundstage/contracts';
import { compareClips, countKind, type Compared } from './compare.js';

const clip = (n: number, change: Partial<Compared> = {}): Compared => ({
  id: `id-${n}`,
  sha256: `sha-${n}`,
  sourceId: `source-${n}`,
  label: `label-${n % 3}`,
  place: ['train', 'validation', 'test'][n % 3]!,
  rest: '',
  ...change,
});

const { ADDED, REMOVED, MOVED, RELABELLED, REMADE } = DatasetChangeKind;

describe('Two versions of a dataset', () => {
  test('differ in exactly what was done to the clips between them', () => {
    const edits = fc.uniqueArray(
      fc.record({
        n: fc.nat(60),
        what: fc.constantFrom('keep', 'add', 'remove', 'move', 'relabel', 'both', 'remake', 'lengthen'),
      }),
      { selector: ({ n }) => n },
    );
    fc.assert(
      fc.property(edits, fc.integer(), (list, seed) => {
        const before = list.filter(({ what }) => what !== 'add').map(({ n }) => clip(n));
        const after = list
          .filter(({ what }) => what !== 'remove')
          .map(({ n, what }) =>
            clip(n, {
              ...(what === 'move' || what === 'both' ? { place: 'fold 2' } : {}),
              ...(what === 'relabel' || what === 'both' ? { label: 'another' } : {}),
              ...(what === 'remake' ? { id: `other-${n}` } : {}),
              ...(what === 'lengthen' ? { rest: '[3]' } : {}),
            }),
          )
          .sort((a, b) => ((Number(a.id.slice(-1)) * 7 + seed) % 5) - ((Number(b.id.slice(-1)) * 7 + seed) % 5));
        const { changes, unchanged } = compareClips(before, after);
        const count = (...kinds: string[]) => list.filter(({ what }) => kinds.includes(what)).length;
        expect(countKind(changes, ADDED)).toBe(count('add'));
        expect(countKind(changes, REMOVED)).toBe(count('remove'));
        expect(countKind(changes, MOVED)).toBe(count('move', 'both'));
        expect(countKind(changes, RELABELLED)).toBe(count('relabel', 'both'));
        expect(countKind(changes, REMADE)).toBe(count('remake', 'lengthen'));
        expect(unchanged).toBe(count('keep'));
      }),
    );
  });

  test('tell from where to where, in an order that does not depend on that of the clips', () => {
    const before = [clip(1), clip(2), clip(3)];
    const after = [clip(2, { place: 'test' }), clip(1, { label: 'glass', place: 'train' }), clip(4)];
    const { changes } = compareClips(before, after, new Map([['sha-3', 'silent_sound']]));
    expect(compareClips(before.toReversed(), after.toReversed(), new Map([['id-3', 'silent_sound']])).changes).toEqual(
      changes,
    );
    expect(
      changes.map(({ kind, clipId, fromPlace, toPlace, fromLabel, toLabel, rejectedReason }) => [
        ...[kind, clipId, fromPlace, toPlace, fromLabel, toLabel, rejectedReason],
      ]),
    ).toEqual([
      [ADDED, 'id-4', '', 'validation', '', 'label-1', ''],
      [REMOVED, 'id-3', 'train', '', 'label-0', '', 'silent_sound'],
      [MOVED, 'id-1', 'validation', 'train', 'label-1', 'glass', ''],
      [RELABELLED, 'id-1', 'validation', 'train', 'label-1', 'glass', ''],
    ]);
  });

  test('pair the cuts of one clip by their outputs first', () => {
    const cut = (n: number, place: string) => clip(n, { sha256: 'one clip', sourceId: 'one', label: 'wood', place });
    const { changes, unchanged } = compareClips([cut(1, 'train'), cut(2, 'train')], [cut(2, 'train'), cut(3, 'train')]);
    expect(unchanged).toBe(1);
    expect(changes.map(({ kind, clipId }) => [kind, clipId])).toEqual([[REMADE, 'id-3']]);
  });

  test('keep a clip of two labels apart', () => {
    const both = [clip(1, { label: 'a' }), clip(1, { label: 'b' })];
    expect(compareClips(both, both).unchanged).toBe(2);
    const { changes } = compareClips(both, [both[1]!]);
    expect(changes).toMatchObject([{ kind: REMOVED, fromLabel: 'a' }]);
  });
});
