import { expect, test } from '@jest/globals';
import { KEPT_POINTS, type FaceTrack } from '@soundstage/faces';
import fc from 'fast-check';
import { lipRuns } from './lip-runs.js';

const ROW = KEPT_POINTS.length * 3;

/** A face whose every coordinate is the time at which it is seen. */
function clockFace(times: readonly number[]): FaceTrack {
  return {
    shot: 0,
    timesS: Float64Array.from(times),
    points: Float32Array.from({ length: times.length * ROW }, (_, n) => times[Math.floor(n / ROW)]!),
    scores: new Float32Array(times.length).fill(1),
    boxes: new Float32Array(times.length * 4),
  };
}

test('lips at any frame rate, even or not, are seen at their own time 25 times a second', () => {
  const steps = fc.array(fc.double({ min: 0.015, max: 0.1, noNaN: true }), { minLength: 30, maxLength: 200 });
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 5, noNaN: true }),
      steps,
      fc.integer({ min: 20, max: 90 }),
      (startS, all, longest) => {
        let timeS = startS;
        const runs = lipRuns(clockFace([startS, ...all.map((step) => (timeS += step))]), longest);
        let next = Math.ceil(startS * 25 - 1e-6) || 0;
        for (const run of runs) {
          expect(run.firstFrame).toBe(next);
          expect(run.frames).toBeLessThanOrEqual(longest);
          for (let n = 0; n < run.frames; n++) expect(run.points[n * ROW]).toBeCloseTo((next + n) / 25, 4);
          next += run.frames;
        }
        if (runs.length > 0) expect(next).toBe(Math.floor(timeS * 25 + 1e-6) + 1);
      },
    ),
  );
});

test('a face that is away for long is two stretches, a short gap is bridged', () => {
  const frames = (fromS: number, count: number) => Array.from({ length: count }, (_, n) => fromS + n / 25);
  const away = lipRuns(clockFace([...frames(0, 25), ...frames(2, 25)]), 250);
  expect(away.map(({ firstFrame, frames: count }) => [firstFrame, count])).toEqual([
    [0, 25],
    [50, 25],
  ]);
  expect(lipRuns(clockFace([...frames(0, 25), ...frames(1.16, 25)]), 250)).toHaveLength(1);
});
