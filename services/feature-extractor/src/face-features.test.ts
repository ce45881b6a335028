import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Feature, type ObjectRef } from '@soundstage/contracts';
import { makeFaceClip } from '@soundstage/faces/testing';
import { startExtractor, type TestExtractor } from './testing/extractor.js';

jest.setTimeout(120_000);

const [WIDTH, HEIGHT, RATE, FRAMES] = [320, 240, 25, 30];
/** In these frames nobody is there. */
const AWAY = { from: 12, to: 23 };
const HEIGHT_OF_FACE = 130;

let extractor: TestExtractor;
let clip: ObjectRef;
beforeAll(async () => {
  extractor = await startExtractor();
  await makeFaceClip(extractor.path('face.mp4'), {
    width: WIDTH,
    height: HEIGHT,
    frameRate: RATE,
    frames: FRAMES,
    faces: (n) =>
      n >= AWAY.from && n < AWAY.to
        ? []
        : [{ x: 130, y: 110, height: HEIGHT_OF_FACE, mouth: n < AWAY.from ? n / AWAY.from : 0.3 }],
  });
  clip = await extractor.upload(await readFile(extractor.path('face.mp4')));
}, 60_000);
afterAll(() => extractor.stop());

const rowsOf = (numbers: Float32Array, length: number) =>
  Array.from({ length: numbers.length / length }, (_, n) => numbers.subarray(n * length, (n + 1) * length));
const isZero = (row: Float32Array) => row.every((value) => value === 0);
const away = (n: number) => n >= AWAY.from && n < AWAY.to;

describe('features of a face', () => {
  test('are its score, box and points as shares of the picture, and zeros where there is none', async () => {
    const { files } = await extractor.extract(clip, [Feature.FACE]);
    expect(files[0]).toMatchObject({ shape: [FRAMES, 17], model: expect.stringMatching(/^face\/1@sha256:/) });
    const rows = rowsOf(await extractor.numbersOf(files[0]), 17);
    expect(rows.map(isZero)).toEqual(rows.map((_, n) => away(n)));
    const [score, x0, y0, x1, y1, ...points] = rows[0]!;
    expect(score).toBeGreaterThan(0.6);
    expect(Math.abs((x0! + x1!) / 2 - 130 / WIDTH)).toBeLessThan(0.05);
    expect((y1! - y0!) * HEIGHT).toBeGreaterThan(0.5 * HEIGHT_OF_FACE);
    // Eyes above the nose, the nose above the mouth.
    const heights = [points[1]!, points[5]!, points[7]!];
    expect([...heights].sort((a, b) => a - b)).toEqual(heights);
    expect(Math.abs(points[6]! - 130 / WIDTH)).toBeLessThan(0.05);
  });

  test('show how the mouth opens, and nothing where the face is away', async () => {
    const { files } = await extractor.extract(clip, [Feature.LIP_FLOW]);
    expect(files[0]).toMatchObject({
      shape: [FRAMES - 1, 32, 32],
      model: expect.stringMatching(/^face\/1.* \+ lip_flow/),
    });
    const rows = rowsOf(await extractor.numbersOf(files[0]), 1024);
    // A pair of frames has no flow where the face is away in one of them.
    expect(rows.map(isZero)).toEqual(rows.map((_, n) => away(n) || away(n + 1)));
    // While the mouth opens its lower half goes down against its upper half; afterwards it rests.
    const opening = (row: Float32Array) => {
      const mean = (from: number, to: number) =>
        row.subarray(from * 32, to * 32).reduce((sum, value) => sum + value, 0);
      return (mean(16, 28) - mean(4, 16)) / (12 * 32);
    };
    const mean = (some: Float32Array[]) => some.reduce((sum, row) => sum + opening(row), 0) / some.length;
    const talking = mean(rows.slice(1, AWAY.from - 1));
    const resting = mean(rows.slice(AWAY.to + 1));
    expect(talking).toBeGreaterThan(0.01);
    expect(Math.abs(resting)).toBeLessThan(talking / 3);
  });

  test('are the points of its mesh as shares of the picture, and its score', async () => {
    const { files } = await extractor.extract(clip, [Feature.LIPS]);
    expect(files[0]).toMatchObject({ shape: [FRAMES, 469, 3], model: expect.stringMatching(/^face\/1.* \+ lips\/1/) });
    const rows = rowsOf(await extractor.numbersOf(files[0]), 469 * 3);
    expect(rows.map(isZero)).toEqual(rows.map((_, n) => away(n)));
    const point = (row: Float32Array, n: number) => row.subarray(3 * n, 3 * n + 3);
    for (const row of rows.filter((each) => !isZero(each))) {
      // Of MediaPipe's mesh: 1 is the tip of the nose, 13 and 14 the inner lips, 33 and 263 the eyes' outer corners.
      expect(Math.abs(point(row, 1)[0]! - 130 / WIDTH)).toBeLessThan(0.05);
      const across = point(row, 263)[0]! - point(row, 33)[0]!;
      expect(across * WIDTH).toBeGreaterThan(0.2 * HEIGHT_OF_FACE);
      expect(across * WIDTH).toBeLessThan(0.8 * HEIGHT_OF_FACE);
      expect(point(row, 13)[1]!).toBeGreaterThan(point(row, 1)[1]!);
      const score = point(row, 468);
      expect(score[0]! > 0.5 && score.every((value) => value === score[0])).toBe(true);
    }
    const open = (n: number) => point(rows[n]!, 14)[1]! - point(rows[n]!, 13)[1]!;
    expect(open(AWAY.from - 1)).toBeGreaterThan(open(0) + 0.01);
  });

  test('are all zeros in a clip without a face', async () => {
    await makeFaceClip(extractor.path('none.mp4'), {
      width: WIDTH,
      height: HEIGHT,
      frameRate: RATE,
      frames: 10,
      faces: () => [],
    });
    const none = await extractor.upload(await readFile(extractor.path('none.mp4')));
    const { files } = await extractor.extract(none, [Feature.FACE, Feature.LIPS, Feature.LIP_FLOW]);
    expect(files.map(({ shape }) => shape)).toEqual([
      [10, 17],
      [10, 469, 3],
      [9, 32, 32],
    ]);
    for (const file of files) expect(isZero(await extractor.numbersOf(file))).toBe(true);
  });
});
