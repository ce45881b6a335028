import { expect, test } from '@jest/globals';
import type { FollowedFaces } from '@soundstage/faces';
import { createLooks, movedLooks } from './looks.js';

const look = (frames: number, firstS = 0): FollowedFaces => ({
  tracks: [
    {
      shot: 0,
      timesS: Float64Array.from({ length: frames }, (_, n) => firstS + n / 25),
      points: new Float32Array(frames * 156),
      scores: new Float32Array(frames),
      boxes: new Float32Array(4 * frames),
    },
  ],
  shotsS: [0, firstS + 0.4],
});

test('what was seen is kept up to a limit, the later blocks of a film being looked at anew', () => {
  const looks = createLooks(100_000);
  for (const block of [0, 1, 2]) looks.keep(block, look(75, 120 * block));
  expect([0, 1, 2, 3].map((block) => looks.of(block)?.tracks[0]!.timesS[0])).toEqual([0, 120, undefined, undefined]);
});

test('what was seen is seen later where the pictures are shown later', () => {
  const looks = createLooks();
  looks.keep(0, look(3));
  expect(movedLooks(looks, 0).of(0)).toBe(looks.of(0));
  const moved = movedLooks(looks, 0.5).of(0)!;
  expect(Array.from(moved.tracks[0]!.timesS)).toEqual([0.5, 0.54, 0.58]);
  expect(moved.shotsS).toEqual([0.5, 0.9]);
  expect(looks.of(0)!.tracks[0]!.timesS[0]).toBe(0);
});
