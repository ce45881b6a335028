import { describe, expect, test } from '@jest/globals';
import { smoothTrack } from './smooth-track.js';
import { mainTrack, trackFace, type Face, type FaceRules, type Track } from './track-face.js';

const rules: FaceRules = {
  scoreAtLeast: 0.6,
  longestGapS: 0.4,
  jumpSides: 0.5,
  rivalShare: 0.5,
  cropSides: 1.6,
  smoothS: 0.12,
};
const RATE = 25;
const face = (x: number, y = 100, side = 80, score = 0.9): Face => ({ x, y, side, score });
const frames = (count: number, faces: (n: number) => Face[]) => Array.from({ length: count }, (_, n) => faces(n));

describe('the face that is followed', () => {
  test('is the one that is there, though it moves, and in spite of weak false ones', () => {
    const outcome = trackFace(
      frames(75, (n) => [face(100 + 2 * n), face(300, 50, 60, 0.4)]),
      RATE,
      rules,
    );
    expect(outcome).toMatchObject({ found: true, gapS: 0, rivalShare: 0 });
  });

  test('is the large one in front of small ones in the background', () => {
    const outcome = trackFace(
      frames(75, () => [face(300, 50, 30), face(100)]),
      RATE,
      rules,
    );
    expect(outcome.found && outcome.track.every((each) => each?.x === 100)).toBe(true);
  });

  test('may be away for a moment', () => {
    const outcome = trackFace(
      frames(75, (n) => (n > 20 && n <= 30 ? [] : [face(100)])),
      RATE,
      rules,
    );
    expect(outcome).toMatchObject({ found: true, gapS: 0.4 });
  });

  test('is missing where it is away for longer, also at the beginning or the end, or altogether', () => {
    const away = (gone: (n: number) => boolean) =>
      trackFace(
        frames(75, (n) => (gone(n) ? [] : [face(100)])),
        RATE,
        rules,
      );
    expect(away((n) => n > 20 && n <= 31)).toMatchObject({ reason: 'no_face', measured: 0.44, limit: 0.4 });
    expect(away((n) => n < 12)).toMatchObject({ reason: 'no_face', measured: 0.48 });
    expect(away((n) => n >= 60)).toMatchObject({ reason: 'no_face', measured: 0.6 });
    expect(away(() => true)).toMatchObject({ reason: 'no_face', measured: 3 });
  });

  test('jumps where the picture is cut to a face elsewhere', () => {
    const outcome = trackFace(
      frames(75, (n) => [n < 50 ? face(100) : face(340)]),
      RATE,
      rules,
    );
    expect(outcome).toMatchObject({ reason: 'face_jumps', measured: 3, limit: 0.5 });
  });

  test('jumps where another one stands in for it for a while', () => {
    const outcome = trackFace(
      frames(75, (n) => [n > 30 && n < 45 ? face(260) : face(100)]),
      RATE,
      rules,
    );
    expect(outcome).toMatchObject({ reason: 'face_jumps', measured: 2 });
  });

  test('can’t be told where two are alike', () => {
    const outcome = trackFace(
      frames(75, () => [face(100), face(300, 100, 70)]),
      RATE,
      rules,
    );
    expect(outcome).toMatchObject({ reason: 'several_faces', limit: 0.5 });
    expect(outcome.found === false && outcome.measured).toBeCloseTo((70 / 80) ** 2, 6);
  });
});

describe('the face that is seen largest and longest', () => {
  test('is followed wherever it is seen, though others come and it goes', () => {
    const track = mainTrack(
      frames(75, (n) => [
        ...(n > 20 && n < 50 ? [] : [face(100)]),
        face(300, 100, 40),
        ...(n === 30 ? [face(500)] : []),
      ]),
      rules,
    );
    expect(track?.map((each) => each?.x)).toEqual(
      Array.from({ length: 75 }, (_, n) => (n > 20 && n < 50 ? undefined : 100)),
    );
  });

  test('is none where nothing is sure enough', () => {
    expect(
      mainTrack(
        frames(10, () => [face(100, 100, 80, 0.4)]),
        rules,
      ),
    ).toBeUndefined();
  });
});

describe('the square around the face', () => {
  test('keeps a steady motion, bridges gaps and votes wrong places down', () => {
    const track: Track = Array.from({ length: 60 }, (_, n) => face(100 + 2 * n, 50 + n));
    for (const n of [20, 21, 22]) track[n] = undefined;
    track[40] = face(400, 50, 200);
    const squares = smoothTrack(track, RATE, rules);
    squares.forEach((square, n) => {
      expect(Math.abs(square.x - (100 + 2 * n))).toBeLessThan(1);
      expect(Math.abs(square.y - (50 + n))).toBeLessThan(1);
      expect(square.side).toBeCloseTo(80 * rules.cropSides, 6);
      expect(square.score).toBe(n >= 20 && n <= 22 ? 0 : 0.9);
    });
  });

  test('holds still where the detector trembles', () => {
    const noisy: Track = Array.from({ length: 75 }, (_, n) => face(100 + (n % 2 ? 2 : -2)));
    const steps = smoothTrack(noisy, RATE, rules).map(({ x }, n, all) => Math.abs(x - (all[n - 1]?.x ?? x)));
    expect(Math.max(...steps.slice(4, -4))).toBeLessThan(0.8);
  });

  test('stands at the first or last place where the face is not there yet or no more', () => {
    const track: Track = [undefined, undefined, ...Array.from({ length: 20 }, () => face(100)), undefined];
    expect(smoothTrack(track, RATE, rules).every(({ x }) => Math.abs(x - 100) < 1e-9)).toBe(true);
  });
});
