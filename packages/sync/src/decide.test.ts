import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide, type ToDecide } from './decide.js';
import { madeRows } from './testing/made-rows.js';
import type { Row } from './rows.js';

const RULES: ToDecide['rules'] = {
  confidence: { bias: -3, margin: 0.7, flank: 0, share: 0, seconds: 0.3 },
  answerFrom: 0.5,
  penalties: { break: 14, drift: 8 },
};

function film(rows: readonly Row[], seconds: number, more: Partial<ToDecide> = {}): ToDecide {
  return {
    ...{ rows, lags: 201, durationS: seconds, shotsS: [0], speaks: () => true, anyFace: true, anySpeech: true },
    ...{ rules: RULES, ...more },
  };
}

describe('what is said of a film', () => {
  test('is a constant offset, to a few milliseconds, for any offset in the range', () => {
    fc.assert(
      fc.property(fc.integer({ min: -900, max: 900 }), fc.integer({ min: 1, max: 1e6 }), (ms, seed) => {
        const told = decide(
          film(
            madeRows(20, () => ms, { seed }),
            20,
          ),
        );
        expect(Math.abs(told.offsetMs! - ms)).toBeLessThan(15);
        expect(told.segments).toHaveLength(1);
        expect(told.segments[0]).toMatchObject({ startS: 0, endS: 20, driftPpm: 0 });
        expect(['in_sync', 'offset']).toContain(told.verdict);
      }),
      { numRuns: 15 },
    );
  });

  test('is in sync where viewers would not notice or hardly, and an offset from there on', () => {
    const verdictAt = (ms: number) =>
      decide(
        film(
          madeRows(20, () => ms),
          20,
        ),
      ).verdict;
    expect([-90, -50, 0, 140, 170].map(verdictAt)).toEqual(['offset', 'in_sync', 'in_sync', 'in_sync', 'offset']);
  });

  test('is a drift where the offset grows evenly, with its slope', () => {
    const told = decide(
      film(
        madeRows(120, (timeS) => -100 + 2.5 * timeS),
        120,
      ),
    );
    expect(told.verdict).toBe('drift');
    expect(Math.abs(told.segments[0]!.driftPpm - 2500)).toBeLessThan(120); // 7 ms at either end
  });

  test('is a slow drift to 10 ppm in ten minutes', () => {
    const told = decide(
      film(
        madeRows(600, (timeS) => 0.4 * (timeS - 300)),
        600,
      ),
    );
    expect(told.verdict).toBe('drift');
    expect(Math.abs(told.segments[0]!.driftPpm - 400)).toBeLessThan(10);
    expect(Math.abs(told.offsetMs!)).toBeLessThan(10);
  });

  test('is piecewise where the offset jumps, with the breaks where they are', () => {
    const told = decide(
      film(
        madeRows(60, (timeS) => (timeS < 20 ? 0 : timeS < 40 ? 240 : -160)),
        60,
      ),
    );
    expect(told.verdict).toBe('piecewise');
    expect(told.segments.map(({ offsetMs }) => 10 * Math.round(offsetMs / 10) || 0)).toEqual([0, 240, -160]);
    for (const [n, breakS] of [20, 40].entries()) {
      expect(Math.abs(told.segments[n]!.endS - breakS)).toBeLessThanOrEqual(1.2);
      expect(told.segments[n + 1]!.startS).toBe(told.segments[n]!.endS);
    }
    expect(told.segments.at(-1)!.endS).toBe(60);
  });

  test('puts a break at a cut that is near', () => {
    const rows = madeRows(40, (timeS) => (timeS < 20 ? 0 : 300));
    expect(decide(film(rows, 40, { shotsS: [0, 7, 20.48, 33] })).segments[1]!.startS).toBe(20.48);
  });

  test('is one offset for a film that is in sync all along, whatever the noise', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (seed) => {
        const told = decide(
          film(
            madeRows(90, () => 0, { seed, strength: 0.7 }),
            90,
          ),
        );
        expect(told.verdict).toBe('in_sync');
        expect(told.segments).toHaveLength(1);
      }),
      { numRuns: 12 },
    );
  });

  test('is nothing, with the reason, where lips and sound do not agree', () => {
    const rows = madeRows(20, () => 0, { strength: 0 });
    expect(decide(film(rows, 20))).toMatchObject({ verdict: 'cannot_tell', reason: 'no_agreement', segments: [] });
  });

  test('is nothing where the stretches that are sure hold little of the speech', () => {
    const weak = madeRows(40, () => -400, { strength: 0.3, seed: 3 });
    const rows = [...weak, ...madeRows(50, () => 300, { strength: 2, seed: 4 }).slice(weak.length)];
    const told = (answerFrom: number) => decide(film(rows, 50, { rules: { ...RULES, answerFrom } }));
    expect(told(0.1)).toMatchObject({ verdict: 'piecewise' });
    expect(told(0.999)).toMatchObject({ verdict: 'cannot_tell', reason: 'no_agreement', segments: [] });
  });

  test('is nothing where the peak stands at the end of the range', () => {
    expect(
      decide(
        film(
          madeRows(20, () => 1000),
          20,
        ),
      ),
    ).toMatchObject({ verdict: 'cannot_tell' });
  });

  test('is nothing without speech, without a face, or with too little of both', () => {
    const rows = madeRows(20, () => 0);
    const reasonWith = (more: Partial<ToDecide>) => decide(film(more.rows ?? rows, 20, more)).reason;
    expect(reasonWith({ anySpeech: false })).toBe('no_speech');
    expect(reasonWith({ anyFace: false, rows: [] })).toBe('no_face');
    expect(reasonWith({ rows: [] })).toBe('too_little');
    expect(reasonWith({ speaks: (frame) => frame < 15 })).toBe('too_little');
  });
});
