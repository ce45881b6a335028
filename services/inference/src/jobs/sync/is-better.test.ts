import { describe, expect, test } from '@jest/globals';
import type { SyncMeasurement, SyncSegment, SyncVerdict } from '@soundstage/sync';
import { isBetter } from './is-better.js';

const measured = (verdict: SyncVerdict, ...segments: SyncSegment[]): SyncMeasurement => ({
  verdict,
  detail: '',
  confidence: 0.9,
  segments,
  durationS: 100,
  warnings: [],
  evidence: { offsetsMs: [], curve: [], map: [], faces: [], shotsS: [0], speech: [] },
});
const part = (startS: number, endS: number, offsetMs: number, driftPpm = 0): SyncSegment => {
  return { startS, endS, offsetMs, driftPpm, confidence: 0.9, speechS: 10 };
};

const late = measured('offset', part(0, 100, 300));
const drifting = measured('drift', part(0, 100, 0, 4000)); // from −200 to 200 ms
const cut = measured('piecewise', part(0, 50, 5), part(50, 100, 400));

describe('a repaired file', () => {
  test('is better when it is in sync', () => {
    for (const before of [late, drifting, cut])
      expect(isBetter(before, measured('in_sync', part(0, 100, 30)))).toBe(true);
  });

  test('is better when what is left is less everywhere', () => {
    expect(isBetter(late, measured('offset', part(0, 100, -150)))).toBe(true);
    expect(isBetter(drifting, measured('drift', part(0, 100, 0, 2000)))).toBe(true);
    expect(isBetter(drifting, measured('offset', part(0, 100, 100)))).toBe(true);
    expect(isBetter(cut, measured('piecewise', part(0, 50, -15), part(50, 100, 140)))).toBe(true);
  });

  test('is no better when it is as far off, on the other side too', () => {
    expect(isBetter(late, measured('offset', part(0, 100, 300)))).toBe(false);
    expect(isBetter(late, measured('offset', part(0, 100, -300)))).toBe(false);
    expect(isBetter(drifting, measured('drift', part(0, 100, 0, -4000)))).toBe(false);
  });

  test('is no better when a stretch that was right is now off, or wider off than before', () => {
    expect(isBetter(cut, measured('offset', part(0, 100, 60)))).toBe(false);
    expect(isBetter(late, measured('piecewise', part(0, 90, 5), part(90, 100, 350)))).toBe(false);
    expect(isBetter(late, measured('drift', part(0, 100, 0, 7000)))).toBe(false);
  });

  test('is not shown to be better when nothing can be told of it', () => {
    expect(isBetter(late, measured('cannot_tell'))).toBe(false);
  });
});
