import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, sha256 } from './hash.js';
import { workKey } from './work/manifest.js';

describe('the key of a piece of work', () => {
  test('does not depend on the order in which parameters are written', () => {
    const json = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(json, (spec) => {
        const reversed = Object.fromEntries(Object.entries(spec).reverse());
        expect(workKey('foley', '1', reversed)).toBe(workKey('foley', '1', spec));
        expect(JSON.parse(canonicalJson(spec))).toEqual(JSON.parse(JSON.stringify(spec)));
      }),
    );
  });

  test('changes with the kind, the code and the parameters', () => {
    const keys = [
      workKey('foley', '1', { seed: 1 }),
      workKey('foley', '2', { seed: 1 }),
      workKey('foley', '1', { seed: 2 }),
      workKey('split', '1', { seed: 1 }),
    ];
    expect(new Set(keys).size).toBe(4);
  });

  test('is SHA-256, as others compute it', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
