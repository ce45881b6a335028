import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PreprocessingSpec } from '@soundstage/contracts';
import { PREPROCESSING_PROFILES } from '@soundstage/core';
import { cutLengthS, planFreeCut, planProfileCut, unitsIn, type MovingMedia } from './plan-cut.js';
import { PROFILES } from './profiles.js';

const media = (durationS: number, startS = 0, frameRate = 25, sampleRateHz = 44_100): MovingMedia => ({
  name: 'clip',
  container: 'mp4',
  sizeBytes: 1,
  durationS: startS + durationS,
  startS: 0,
  containerStartS: 0,
  still: false,
  streams: 2,
  subtitles: [],
  attachedPictures: [],
  video: {
    index: 0, codec: 'h264', width: 321, height: 241, codedWidth: 321, codedHeight: 241, pixelAspectRatio: 1,
    rotationDegrees: 0, pixelFormat: 'yuv420p', frameRate, variableFrameRate: false, startS, durationS,
  },
  audio: { index: 1, codec: 'aac', sampleRateHz, channels: 2, startS },
}); // prettier-ignore

const request = (fields: Partial<PreprocessingSpec>) =>
  PreprocessingSpec.fromPartial({ clip: { key: 'media/a', sha256: 'a'.repeat(64) }, ...fields });

const seconds = (most: number) => fc.double({ min: 0, max: most, noNaN: true });

describe('the time arithmetic of a cut', () => {
  test('is never more than half a frame or half a sample off', () => {
    fc.assert(
      fc.property(
        seconds(3600),
        fc.constantFrom(1, 8, 15, 21.5, 25, 30_000 / 1001, 11_025, 48_000),
        (lengthS, rate) => {
          const units = unitsIn(lengthS, rate);
          expect(Number.isInteger(units) && units >= 1).toBe(true);
          if (lengthS * rate >= 1) expect(Math.abs(units / rate - lengthS)).toBeLessThanOrEqual(0.5 / rate + 1e-9);
        },
      ),
    );
  });

  test('keeps every profile inside the clip, with whole frames and samples', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PREPROCESSING_PROFILES),
        fc.double({ min: 0.1, max: 120, noNaN: true }),
        seconds(150),
        seconds(9),
        fc.constantFrom(12, 24_000 / 1001, 25, 59.94),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (profile, clipS, startS, durationS, frameRate, seed) => {
          const rules = PROFILES[profile];
          const info = media(clipS, 0, frameRate);
          const spec = request({ profile, startS, durationS, seed });
          const lengthS = cutLengthS(rules, spec, info);
          if (lengthS < rules.flaws.shortestS) return; // rejected as too short
          const plan = planProfileCut(rules, spec, info);
          expect(plan.durationS).toBe(lengthS);
          expect(plan.startS).toBe(startS + rules.trimS);
          expect(plan.startS + plan.durationS).toBeLessThanOrEqual(clipS - rules.trimS + 1e-9);
          for (const picture of plan.pictures) {
            expect(picture.frames).toBe(unitsIn(lengthS, picture.frameRate));
            if ('width' in picture.size) expect([picture.size.width % 2, picture.size.height % 2]).toEqual([0, 0]);
          }
          const offsetS = plan.offsetS ?? 0;
          expect(Math.abs(offsetS)).toBeLessThanOrEqual(rules.offsetS);
          expect(plan.sound.startS).toBeCloseTo(plan.startS - offsetS, 9);
          const offsetSamples = offsetS * plan.sound.sampleRateHz;
          expect(offsetSamples).toBeCloseTo(Math.round(offsetSamples), 6);
          // What the moved sound needs lies inside the clip.
          if (plan.offsetS !== undefined) {
            expect(plan.sound.startS).toBeGreaterThanOrEqual(-1e-9);
            const endS = plan.sound.startS + plan.sound.samples / plan.sound.sampleRateHz;
            expect(endS).toBeLessThanOrEqual(clipS + 1 / plan.sound.sampleRateHz);
          }
        },
      ),
    );
  });

  test('gives regnet 215 frames and 220,500 samples, and fewer frames at the end of a video', () => {
    const plan = (startS: number) => planProfileCut(PROFILES.regnet, request({ profile: 'regnet', startS }), media(25));
    expect([plan(0), plan(15), plan(20)].map(({ pictures, sound }) => [pictures[0]!.frames, sound.samples])).toEqual([
      [215, 220_500],
      [215, 220_500],
      [Math.round(5 * 21.5), 220_500],
    ]);
  });

  test('cuts free parameters as long as asked, and to the end where nothing is asked', () => {
    const free = { frameRate: 10, width: 64, height: 48, sampleRateHz: 8000 };
    const plan = (fields: Partial<PreprocessingSpec>) => planFreeCut(request({ ...free, ...fields }), media(4));
    expect(plan({ startS: 3, durationS: 2 }).pictures[0]!.frames).toBe(20);
    expect(plan({ startS: 3 }).pictures[0]!.frames).toBe(10);
    expect(() => plan({ startS: 4 })).toThrow(/can't be cut from 4 s on/);
  });

  test('refuses a cut of more than an hour', () => {
    const long = media(3 * 3600);
    expect(() => planProfileCut(PROFILES.pixels, request({ profile: 'pixels' }), long)).toThrow(/limit is 3600 s/);
  });
});

describe('the offset of desync', () => {
  const offset = (seed: bigint, startS = 0, sha256 = 'a'.repeat(64)) =>
    planProfileCut(
      PROFILES.desync,
      request({ profile: 'desync', seed, startS, clip: { key: 'k', sha256, sizeBytes: 1n, mediaType: '' } }),
      media(10),
    ).offsetS!;

  test('is the same for the same seed, clip and start, and another for another', () => {
    expect(offset(7n)).toBe(offset(7n));
    expect(new Set([offset(7n), offset(8n), offset(7n, 1), offset(7n, 0, 'b'.repeat(64))]).size).toBe(4);
  });

  test('lies evenly in ±1 s, finer than a frame', () => {
    const all = Array.from({ length: 2000 }, (_, seed) => offset(BigInt(seed)));
    expect(Math.max(...all.map(Math.abs))).toBeLessThanOrEqual(1);
    for (const [from, to] of [[-1, -0.5], [-0.5, 0], [0, 0.5], [0.5, 1]] as const) {
      expect(all.filter((each) => each >= from && each < to).length / all.length).toBeCloseTo(0.25, 1);
    } // prettier-ignore
    const parts = all.map((each) => (((each * 25) % 1) + 1) % 1);
    expect(parts.filter((part) => part > 0.1 && part < 0.9).length / all.length).toBeCloseTo(0.8, 1);
  });
});
