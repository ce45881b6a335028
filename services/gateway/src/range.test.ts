import { describe, expect, test } from '@jest/globals';
import { parseRange } from './range.js';

describe('A Range header', () => {
  test.each([
    ['bytes=0-99', { start: 0, end: 99 }],
    ['bytes=900-', { start: 900, end: 999 }],
    ['bytes=-100', { start: 900, end: 999 }],
    ['bytes=-5000', { start: 0, end: 999 }],
    ['bytes=990-5000', { start: 990, end: 999 }],
    ['bytes = 0 - 0', { start: 0, end: 0 }],
  ])('%s names the bytes that a player wants', (header, range) => {
    expect(parseRange(header, 1000)).toEqual(range);
  });

  test.each(['bytes=1000-', 'bytes=4000-5000', 'bytes=-0'])('%s is outside of the file', (header) => {
    expect(parseRange(header, 1000)).toBe('unsatisfiable');
  });

  test.each([undefined, '', 'bytes=-', 'bytes=5-2', 'bytes=0-1,5-6', 'lines=0-5', 'bytes=a-b', 'bytes=1e3-'])(
    '%s is left aside, so the whole file is sent',
    (header) => {
      expect(parseRange(header, 1000)).toBeUndefined();
    },
  );
});
