import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPowerSpectrum } from './fft.js';

/** The definition, summed up. */
function slowly(samples: Float32Array): number[] {
  return Array.from({ length: samples.length / 2 }, (_, k) => {
    let re = 0;
    let im = 0;
    samples.forEach((x, n) => {
      re += x * Math.cos((2 * Math.PI * k * n) / samples.length);
      im -= x * Math.sin((2 * Math.PI * k * n) / samples.length);
    });
    return re * re + im * im;
  });
}

describe('the power spectrum', () => {
  test('equals the sum that defines it', () => {
    const samples = fc
      .constantFrom(4, 8, 32, 64)
      .chain((length) =>
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: length, maxLength: length }),
      );
    fc.assert(
      fc.property(samples, (values) => {
        const block = Float32Array.from(values);
        const power = new Float64Array(block.length / 2);
        createPowerSpectrum(block.length)(block, power);
        const expected = slowly(block);
        const error = Math.max(...expected.slice(1).map((value, k) => Math.abs(value - power[k + 1]!)));
        expect(error).toBeLessThan(1e-6);
      }),
    );
  });
});
