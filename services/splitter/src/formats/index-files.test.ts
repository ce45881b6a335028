import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SPLITS, type PlacedClip } from '../dataset-clip.js';
import { csvLine } from './csv.js';
import { indexFiles } from './index-files.js';

/** Reads CSV as RFC 4180 describes it, character by character. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (quoted) {
      if (character === '"' && text[i + 1] === '"') field += text[++i]!;
      else if (character === '"') quoted = false;
      else field += character;
    } else if (character === '"') quoted = true;
    else if (character === ',') {
      row.push(field);
      field = '';
    } else if (character === '\r' && text[i + 1] === '\n') {
      i++;
      rows.push([...row, field]);
      [row, field] = [[], ''];
    } else field += character;
  }
  expect([quoted, row.length, field]).toEqual([false, 0, '']);
  return rows;
}

const file = (name: string, mediaType: string) => ({ key: `media/${name}`, sha256: name, sizeBytes: 1, mediaType });
const hash = (n: number) => String(n).padStart(64, '0');
const clip = (n: number, change: Partial<PlacedClip> = {}): PlacedClip => ({
  ...file(hash(n), 'video/mp4'),
  id: hash(n + 1000),
  sourceId: `source-${n}`,
  label: 'wood',
  audio: file(`a${n}`, 'audio/wav'),
  frames: file(`f${n}`, 'application/x-tar'),
  frameCount: 80 + n,
  durationS: 10,
  ownSplit: '',
  split: SPLITS[n % 3]!,
  fold: 0,
  ...change,
});
const textOf = (clips: PlacedClip[], path: string, folds = 0) => {
  const found = indexFiles(clips, [], folds).find((each) => each.path === path);
  return found && [...found.pieces()].join('');
};

describe('The files beside a manifest', () => {
  test('are read back by any reader of CSV, whatever a source or label is called', () => {
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a,b', '"', '\r\n', '=1+1', '\n"', ''));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name)), (names) => {
        const clips = names.map(([sourceId, label], n) => clip(n, { sourceId, label }));
        const [header, ...rows] = readCsv(textOf(clips, 'clips.csv')!);
        expect(header).toEqual(['path', 'id', 'source', 'label', 'split', 'fold', 'duration_s']);
        expect(rows.map((row) => [row[2], row[3]])).toEqual(names);
        expect(rows.map((row) => row[0])).toEqual(clips.map(({ sha256 }) => `clips/${sha256}.mp4`));
      }),
    );
  });

  test('index sound and frames for Sound of Pixels as audio path, frames path, count', () => {
    const clips = [clip(0), clip(1), clip(2), clip(3), clip(6, { frames: undefined as never })];
    expect(readCsv(textOf(clips, 'pixels/train.csv')!)).toEqual([
      [`audio/${hash(1000)}.wav`, `frames/${hash(1000)}`, '80'],
      [`audio/${hash(1003)}.wav`, `frames/${hash(1003)}`, '83'],
    ]);
    expect(readCsv(textOf(clips, 'pixels/val.csv')!)).toHaveLength(1);
    expect(readCsv(textOf(clips, 'pixels/test.csv')!)).toHaveLength(1);
    expect(textOf([clip(1)], 'pixels/train.csv')).toBeUndefined();
  });

  test('list names for RegNet, one a line, each once', () => {
    const clips = [clip(0), clip(0, { label: 'glass' }), clip(3), clip(2)];
    expect(textOf(clips, 'regnet/train.txt')).toBe(`${hash(1000)}\n${hash(1003)}\n`);
    expect(textOf(clips, 'regnet/test.txt')).toBe(`${hash(1002)}\n`);
    expect(textOf(clips, 'regnet/validation.txt')).toBeUndefined();
  });

  test('are there for each fold, which is validation in its own', () => {
    const clips = [1, 2, 3].map((fold) => clip(fold, { fold, split: 'train' }));
    for (const fold of [1, 2, 3]) {
      expect(textOf(clips, `folds/${fold}/regnet/validation.txt`, 3)).toBe(`${hash(1000 + fold)}\n`);
      expect(textOf(clips, `folds/${fold}/regnet/train.txt`, 3)!.split('\n')).toHaveLength(3);
      const lines = textOf(clips, `folds/${fold}/manifest.jsonl`, 3)!.trimEnd().split('\n');
      const splits = lines.map((line) => (JSON.parse(line) as { split: string }).split);
      expect(splits.filter((split) => split === 'validation')).toHaveLength(1);
    }
  });

  test('have a row of CSV quoted only where it must be', () => {
    expect(csvLine(['a', 'b c', 'd,e', 'f"g', 'h\ni', 7])).toBe('a,b c,"d,e","f""g","h\ni",7\r\n');
  });
});
