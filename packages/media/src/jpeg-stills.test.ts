import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { decodeFrames } from './decode-frames.js';
import { jpegStills } from './jpeg-stills.js';
import { probe } from './probe.js';
import {
  COUNTING_VIEW,
  countingPicture,
  errorOf,
  frameNumber,
  H264_B,
  makeMedia,
  sine,
  testFolder,
} from './test-media.js';

const folder = testFolder();
afterAll(() => folder.remove());
beforeAll(() => {
  makeMedia(...countingPicture(50), ...H264_B, folder.path('count.mp4'));
  makeMedia('-f', 'lavfi', '-i', 'testsrc=s=300x150:d=1', '-frames:v', '1', folder.path('still.png'));
  makeMedia(...sine(1), folder.path('sound.wav'));
});

/** What the JPEG shows, read back from a file. */
async function numberIn(jpeg: Uint8Array): Promise<number> {
  writeFileSync(folder.path('read-back.jpg'), jpeg);
  for await (const frame of decodeFrames(folder.path('read-back.jpg'), { views: [COUNTING_VIEW] }))
    return frameNumber(frame);
  throw new Error('it has no picture');
}

test('gives the picture that players show at each time, in the order asked for', async () => {
  // 25 pictures a second: number n is shown from n × 40 ms on.
  const timesS = [1.0, 0, 0.5, 1.23, 1.99];
  const stills = await jpegStills(folder.path('count.mp4'), { timesS, sidePixels: 64 });
  const numbers = await stills.reduce<Promise<number[]>>(
    async (known, still) => [...(await known), await numberIn(still!)],
    Promise.resolve([]),
  );
  for (const [i, timeS] of timesS.entries())
    expect(Math.abs(numbers[i]! - Math.floor(timeS * 25 + 1e-6))).toBeLessThanOrEqual(1);
  expect(numbers[1]).toBe(0);
});

test('gives the last picture for a time behind the end', async () => {
  const [still] = await jpegStills(folder.path('count.mp4'), { timesS: [9], sidePixels: 64 });
  expect(await numberIn(still!)).toBeGreaterThanOrEqual(48);
});

test('shrinks a picture into a square, and never makes it larger', async () => {
  const sizeOf = async (sidePixels: number) => {
    const [still] = await jpegStills(folder.path('still.png'), { timesS: [3], sidePixels });
    writeFileSync(folder.path('size.jpg'), still!);
    const { width, height } = (await probe(folder.path('size.jpg'))).video!;
    return [width, height];
  };
  expect(await sizeOf(100)).toEqual([100, 50]);
  expect(await sizeOf(1000)).toEqual([300, 150]);
});

test('refuses what has no picture, and times that are none', async () => {
  expect((await errorOf(jpegStills(folder.path('sound.wav'), { timesS: [0], sidePixels: 64 }))).reason).toBe(
    'BAD_INPUT',
  );
  expect((await errorOf(jpegStills(folder.path('still.png'), { timesS: [NaN], sidePixels: 64 }))).reason).toBe(
    'BAD_INPUT',
  );
});
