import { expect, test } from '@jest/globals';
import type { Row } from './rows.js';
import { whoSpeaks } from './speaker.js';
import { madeRows } from './testing/made-rows.js';

const byTime = (rows: readonly Row[]) => new Map(rows.map((row) => [row.at, row]));

test('of two faces in the picture the one whose lips go with the sound is taken, as they take turns', () => {
  const parts = (strengthAt: (at: number) => number, seed: number) => {
    const [loud, quiet] = [1, 0].map((strength) => madeRows(40, () => 120, { strength, seed }));
    return byTime(loud!.map((row, n) => (strengthAt(row.at) ? row : quiet![n]!)));
  };
  const first = parts((at) => (at < 50 ? 1 : 0), 3);
  const second = parts((at) => (at < 50 ? 0 : 1), 4);
  const spoken = whoSpeaks([first, second]);
  expect(spoken.map(({ row }) => row.at)).toEqual([...first.keys()]);
  const right = spoken.filter(({ row, face }) => face === (row.at < 50 ? 0 : 1)).length;
  expect(right / spoken.length).toBeGreaterThan(0.9);
});
