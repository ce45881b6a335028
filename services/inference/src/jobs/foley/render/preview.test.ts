import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openFoley, type Foley } from '../open-foley.js';

let foley: Foley;
beforeAll(async () => {
  foley = await openFoley();
}, 60_000);
afterAll(() => foley.close());

/** 16-bit stereo samples behind the header. */
function samplesOf(wav: Uint8Array): Int16Array {
  expect(Buffer.from(wav.subarray(0, 4)).toString('latin1')).toBe('RIFF');
  return new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.byteLength));
}

describe('a preview', () => {
  test('of a hit is a WAV file that begins with its attack and ends when it has rung out', async () => {
    const samples = samplesOf(await foley.preview({ class: 'wood', strength: 1, seed: 1 }));
    const peak = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(peak).toBeGreaterThan(3000);
    expect(samples.findIndex((x) => Math.abs(x) > peak / 10) / 2).toBeLessThan(480);
    expect(samples.length / 2 / 48_000).toBeLessThanOrEqual(3);
  });

  test.each([
    ['dog', 'a recording'],
    ['glass', 'synthesis from modes'],
    ['waterfall', 'a recording that is repeated'],
    ['wind', 'synthesis from noise'],
  ])('of %s, %s, sounds', async (id) => {
    const samples = samplesOf(await foley.preview({ class: id, strength: 0.8, seed: 1 }));
    expect(samples.some((x) => Math.abs(x) > 100)).toBe(true);
  });

  test('of a layer runs from its end into its start', async () => {
    const samples = samplesOf(await foley.preview({ class: 'wind', strength: 1, seed: 1 }));
    expect(samples.length / 2).toBe(4 * 48_000);
    const step = Math.abs(samples[0]! - samples.at(-2)!);
    const steps = Array.from({ length: 2000 }, (_, i) => Math.abs(samples[2 * i + 2]! - samples[2 * i]!));
    expect(step).toBeLessThanOrEqual(2 * Math.max(...steps));
  });

  test('of a softer hit is softer', async () => {
    const peakOf = async (strength: number): Promise<number> =>
      samplesOf(await foley.preview({ class: 'wood', strength, seed: 1 })).reduce(
        (most, x) => Math.max(most, Math.abs(x)),
        0,
      );
    expect(await peakOf(0.2)).toBeLessThan((await peakOf(1)) / 3);
  });

  test.each([
    [{ class: 'zyzzyx' }, /no class "zyzzyx"/],
    [{ sound: 'zyzzyx' }, /wood has no sound "zyzzyx", but: /],
    [{ strength: NaN }, /strength/],
  ])('of %o is refused', async (over, words) => {
    const work = foley.preview({ class: 'wood', strength: 1, seed: 1, ...over });
    await expect(work).rejects.toMatchObject({ reason: 'BAD_INPUT', message: expect.stringMatching(words) });
  });
});
