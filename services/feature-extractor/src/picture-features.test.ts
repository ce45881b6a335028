import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Feature, type ObjectRef } from '@soundstage/contracts';
import { makeTestClip } from '@soundstage/core/testing';
import { startExtractor, type TestExtractor } from './testing/extractor.js';

jest.setTimeout(120_000);

const FRAMES = 12;
const PICTURE = 2 * 96 * 160;

let extractor: TestExtractor;
let clip: ObjectRef;
const made = async (name: string, options: Parameters<typeof makeTestClip>[1]) => {
  await makeTestClip(extractor.path(name), options);
  return extractor.upload(await readFile(extractor.path(name)));
};
beforeAll(async () => {
  extractor = await startExtractor();
  clip = await made('clip.mp4', { seconds: FRAMES / 25, size: '320x192', sound: false });
}, 60_000);
afterAll(() => extractor.stop());

/** Largest difference of two arrays as a share of the second one's largest number. */
function apart(ours: Float32Array, theirs: Float32Array): number {
  expect(ours.length).toBe(theirs.length);
  const scale = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return ours.reduce((most, value, n) => Math.max(most, Math.abs(value - theirs[n]!)), 0) / scale;
}

describe('features of the picture', () => {
  test('draw flow as RegNet does, and see it as an image of which the first is that of no motion', async () => {
    const { files } = await extractor.extract(clip, [Feature.FLOW, Feature.FLOW_IMAGE, Feature.FLOW_RGB]);
    expect(files.map(({ shape }) => shape)).toEqual([
      [FRAMES - 1, 2, 96, 160],
      [FRAMES - 1, 2, 96, 160],
      [FRAMES, 1280],
    ]);
    expect(files[2]?.model).toMatch(
      /^flow\/\d+@sha256:\w+ \+ flow_image\/\d+@sha256:\w+ \+ classifier\/\d+@sha256:\w+$/,
    );
    const [flow, image, seen] = await Promise.all(files.map((file) => extractor.numbersOf(file)));
    const drawn = flow!.map((pixels) => Math.round(((Math.min(20, Math.max(-20, pixels)) + 20) * 255) / 40));
    expect(drawn.reduce((most, value, n) => Math.max(most, Math.abs(value - image![n]!)), 0)).toBeLessThanOrEqual(1);
    expect(flow!.subarray(0, PICTURE).some((pixels) => Math.abs(pixels) > 1)).toBe(true);

    const still = await made('still.mp4', { seconds: 0.04, sound: false });
    const alone = await extractor.extract(still, [Feature.FLOW_RGB]);
    expect(alone.files[0]?.shape).toEqual([1, 1280]);
    expect(apart(seen!.subarray(0, 1280), await extractor.numbersOf(alone.files[0]))).toBeLessThan(1e-3);
    expect(apart(seen!.subarray(1280, 2560), seen!.subarray(0, 1280))).toBeGreaterThan(0.1);
  });

  test('give the image embedding also before it is pooled: its mean over the places is the embedding', async () => {
    const { files } = await extractor.extract(clip, [Feature.RGB_MAP, Feature.RGB]);
    expect(files.map(({ shape }) => shape)).toEqual([
      [FRAMES, 7, 7, 1280],
      [FRAMES, 1280],
    ]);
    const [map, pooled] = await Promise.all(files.map((file) => extractor.numbersOf(file)));
    const means = new Float32Array(1280);
    for (let at = 0; at < 49 * 1280; at++) means[at % 1280]! += map![at]! / 49;
    expect(apart(means, pooled!.subarray(0, 1280))).toBeLessThan(1e-3);
  });

  test('have exactly the rows of a frame rate, each of the picture that stands there', async () => {
    const ten = await made('ten.mp4', { seconds: 10, size: '64x48', sound: false });
    const slow = (await extractor.extract(ten, [Feature.FLOW], { frameRate: 21.5 })).files;
    expect(slow[0]).toMatchObject({ shape: [214, 2, 96, 160], rateHz: 21.5 });
    // At twice the clip's own rate every other pair is one picture twice: nothing moves there.
    const short = await made('short.mp4', { seconds: 0.4, size: '320x192', sound: false });
    const { files } = await extractor.extract(short, [Feature.FLOW, Feature.FACE], { frameRate: 50 });
    expect(files[1]).toMatchObject({ shape: [20, 17], rateHz: 50 });
    const flow = await extractor.numbersOf(files[0]);
    expect(files[0]?.shape[0]).toBe(19);
    const moves = Array.from({ length: 19 }, (_, n) =>
      flow.subarray(n * PICTURE, (n + 1) * PICTURE).reduce((most, pixels) => Math.max(most, Math.abs(pixels)), 0),
    );
    expect(moves.map((most) => most > 0.5)).toEqual(Array.from({ length: 19 }, (_, n) => n % 2 === 1));
  });

  test('of more than 33 frames a second are those of every second one', async () => {
    const fast = await made('fast.mp4', { seconds: 1, frameRate: 60, sound: false });
    const { files } = await extractor.extract(fast, [Feature.MOTION]);
    expect(files[0]).toMatchObject({ shape: [29, 390], rateHz: 0 });
  });

  test('are refused of a clip that is too long, with the limit', async () => {
    const long = await made('long.mp4', { seconds: 14_500, frameRate: 0.1, size: '16x16', sound: false });
    expect(await extractor.refusal(long, [Feature.RGB])).toMatch(/is 14500 s long; the limit is 14400 s/);
  });

  test('are refused before the work where they would grow larger than the limit', async () => {
    const hour = await made('hour.mp4', { seconds: 3600, frameRate: 1, size: '16x16', sound: false });
    const startedMs = Date.now();
    const sentence = await extractor.refusal(hour, [Feature.RGB_MAP], { frameRate: 25 });
    expect(sentence).toMatch(/rgb_map features are larger than the limit of 4294967296 bytes/);
    expect(Date.now() - startedMs).toBeLessThan(5000);
  });

  test.each([-1, 241, NaN])('are refused at once at %d frames a second', async (frameRate) => {
    await expect(extractor.create(clip, [Feature.RGB], { frameRate })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      violations: [{ field: 'spec.frame_rate' }],
    });
  });
});
