import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cropSquare } from './crop-square.js';

/** A picture whose red tells the column and whose green the row. */
const graph = (width: number, height: number) => ({
  width,
  height,
  channels: 3 as const,
  data: Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    return [2 * (pixel % width), 2 * Math.floor(pixel / width), 7][at % 3]!;
  }),
});

test('a square of the same size shows the pixels themselves', () => {
  const picture = graph(60, 40);
  const shown = cropSquare(picture, { x: 20, y: 12, side: 16 }, 16);
  for (let row = 0; row < 16; row++) {
    for (let column = 0; column < 16; column++) {
      const at = 3 * (row * 16 + column);
      expect([...shown.subarray(at, at + 3)]).toEqual([2 * (12 + column), 2 * (4 + row), 7]);
    }
  }
});

test('any square inside shows each place where it lies', () => {
  const inside = fc.record({
    x: fc.double({ min: 40, max: 60, noNaN: true }),
    y: fc.double({ min: 40, max: 60, noNaN: true }),
    side: fc.double({ min: 8, max: 70, noNaN: true }),
  });
  const picture = graph(100, 100);
  fc.assert(
    fc.property(inside, fc.integer({ min: 8, max: 40 }), (square, pixels) => {
      const shown = cropSquare(picture, square, pixels);
      for (const [row, column] of [[0, 0], [pixels - 1, 0], [pixels >> 1, pixels - 1]] as const) {
        const place = (n: number, middle: number) => middle - square.side / 2 + ((n + 0.5) * square.side) / pixels - 0.5;
        const at = 3 * (row * pixels + column);
        expect(Math.abs(shown[at]! / 2 - place(column, square.x))).toBeLessThanOrEqual(0.26);
        expect(Math.abs(shown[at + 1]! / 2 - place(row, square.y))).toBeLessThanOrEqual(0.26);
      } // prettier-ignore
    }),
  );
});

test('what lies outside of the picture continues its edge', () => {
  const shown = cropSquare(graph(30, 30), { x: 0, y: 0, side: 20 }, 20);
  expect([...shown.subarray(0, 3)]).toEqual([0, 0, 7]);
  const corner = 3 * (19 * 20 + 19);
  expect([...shown.subarray(corner, corner + 3)]).toEqual([18, 18, 7]);
});
