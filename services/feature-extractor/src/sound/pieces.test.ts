import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { openModel, type OpenModel } from '@soundstage/models';
import { clockOf, soundRun } from './extract-sound.js';
import { createPieces } from './pieces.js';

jest.setTimeout(60_000);

const MODELS = fileURLToPath(new URL('../../../../models', import.meta.url));
const opened: OpenModel[] = [];

afterAll(async () => {
  for (const model of opened) await model.close();
});

/** Noise that fades in and out, so that every hop is another. */
function swelling(samples: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: samples }, (_, n) => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * (0.5 + 0.4 * Math.sin(n / 900));
  });
}

describe('sound that is cut into pieces', () => {
  test.each([
    ['mel_22k', 'mel'],
    ['mel_16k', 'mel'],
    ['stft_11k', 'log_frequency'],
    ['mfcc', 'coefficients'],
    ['zero_crossings', 'rate'],
    ['speech', 'probability'],
  ])('gives the numbers of %s that the whole gives, wherever it is cut', async (name, output) => {
    const model = await openModel({ folder: MODELS, name, threads: 1, executionProvider: 'cpu' });
    opened.push(model);
    const { hopSamples, contextHops } = clockOf(model.card);
    const { shape } = model.card.outputs.find((each) => each.name === output)!;
    const length = shape[2] as number;
    const lengths = fc.integer({ min: 1, max: 12_000 });
    const cuts = fc.record({ pieceHops: fc.integer({ min: 1, max: 40 }), block: fc.integer({ min: 1, max: 5000 }) });
    await fc.assert(
      fc.asyncProperty(lengths, cuts, fc.integer(), async (samples, { pieceHops, block }, seed) => {
        const sound = swelling(samples, seed);
        const whole = await soundRun(model, output)(sound);
        const run = soundRun(model, output);
        const joined: number[] = [];
        const pieces = createPieces({
          hopSamples,
          contextHops,
          pieceHops,
          centred: shape[1] === 'hops',
          async work(piece, first, count) {
            const rows = await run(piece);
            joined.push(...rows.subarray(first * length, (first + count) * length));
          },
        });
        for (let at = 0; at < samples; at += block) await pieces.add(sound.slice(at, at + block));
        expect(await pieces.finish()).toBe(samples);
        expect(joined.length).toBe(whole.length);
        const scale = whole.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        const worst = whole.reduce((most, value, n) => Math.max(most, Math.abs(value - joined[n]!)), 0);
        expect(worst / scale).toBeLessThanOrEqual(1e-6);
      }),
      { numRuns: 12 },
    );
  });

  test('is never held for longer than two pieces', async () => {
    let largest = 0;
    const pieces = createPieces({
      hopSamples: 100,
      contextHops: 2,
      pieceHops: 10,
      centred: true,
      work: async (sound) => void (largest = Math.max(largest, sound.length)),
    });
    for (let n = 0; n < 5000; n++) await pieces.add(new Float32Array(37));
    expect(await pieces.finish()).toBe(185_000);
    expect(largest).toBe(1400);
  });
});
