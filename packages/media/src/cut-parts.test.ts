import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { cutParts, decodeAudio, encodeFrames, framesAtTicks, probe } from './index.js';
import type { DecodedFrame } from './decode-frames.js';
import { allFrames, countingPicture, errorOf, frameNumber, H264_B, makeMedia, testFolder } from './test-media.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(120_000);
const folder = testFolder();
const { path } = folder;
beforeAll(() => {
  // Sound: 0.5 from 1 s to 2 s, else silence.
  const pulse = ['-f', 'lavfi', '-i', "aevalsrc='if(between(t,1,1.9999999),0.5,0)':s=48000:d=4"];
  makeMedia(...countingPicture(100), ...pulse, ...H264_B, '-c:a', 'pcm_s16le', path('in.mov'));
});
afterAll(folder.remove);

const picture = (name: string, frameRate: number, frames: number) => ({
  path: path(name), form: 'h264' as const, frameRate, frames, size: { fit: 'stretch' as const, width: 32, height: 24 },
}); // prettier-ignore

describe('cutParts', () => {
  test('makes several pictures, frames and the sound by one decoding, each exact', async () => {
    mkdirSync(path('frames %d'));
    await cutParts({
      path: path('in.mov'),
      startS: 0.6,
      pictures: [
        picture('fast.mp4', 25, 50),
        picture('slow.mp4', 2, 4),
        { ...picture('frames %d', 5, 10), form: 'jpeg' },
      ],
      sound: { path: path('sound.wav'), sampleRateHz: 48_000, samples: 100_000, startS: 0.6 },
    });
    const numbers = async (name: string) => (await allFrames(path(name))).map(frameNumber);
    expect(await numbers('fast.mp4')).toEqual(Array.from({ length: 50 }, (_, n) => 15 + n));
    expect(await numbers('slow.mp4')).toEqual([15, 27, 40, 52]);
    expect(readdirSync(path('frames %d')).sort()).toEqual(
      Array.from({ length: 10 }, (_, n) => `${String(n + 1).padStart(6, '0')}.jpg`),
    );
    expect((await probe(path('frames %d/000010.jpg'))).video).toMatchObject({ width: 32, height: 24, codec: 'mjpeg' });
    expect(frameNumber((await allFrames(path('frames %d/000010.jpg')))[0]!)).toBe(60);
    const samples: number[] = [];
    for await (const block of decodeAudio(path('sound.wav'), { sampleRateHz: 48_000, channels: 1 }))
      samples.push(...block);
    expect(samples).toHaveLength(100_000);
    expect(samples.findIndex((value) => value > 0.25)).toBe(19_200);
    expect(samples.findLastIndex((value) => value > 0.25)).toBe(67_199);
  });

  test.each([
    ['later than the picture', 1.7125, 0.5],
    ['earlier than the picture', 0.25, 2],
    ['before the file', -0.5, 1],
  ])('takes sound that begins %s', async (_, soundStartS, startS) => {
    await cutParts({
      path: path('in.mov'),
      startS,
      pictures: [picture('moved.mp4', 25, 10)],
      sound: { path: path('moved.wav'), sampleRateHz: 48_000, samples: 144_000, startS: soundStartS },
    });
    expect(frameNumber((await allFrames(path('moved.mp4')))[0]!)).toBe(Math.round(startS * 25 - 0.4));
    const samples: number[] = [];
    for await (const block of decodeAudio(path('moved.wav'), { sampleRateHz: 48_000, channels: 1 }))
      samples.push(...block);
    expect(samples).toHaveLength(144_000);
    expect(samples.findLastIndex((value) => value > 0.25)).toBe(Math.round((2 - soundStartS) * 48_000) - 1);
    const first = Math.max(0, Math.round((1 - soundStartS) * 48_000));
    expect(samples.findIndex((value) => value > 0.25)).toBe(first);
  });

  test('shows each frame of the first picture while it is cut', async () => {
    const seen: number[] = [];
    await cutParts({
      path: path('in.mov'),
      startS: 1,
      pictures: [picture('seen.mp4', 25, 20)],
      preview: { width: 16, height: 12, onFrame: (grey) => seen.push(grey[100]!) },
    });
    expect(seen).toHaveLength(20);
    // The grey that was drawn, widened from 16–235 to 0–255, give or take what coding loses.
    const drawn = (frame: number) => ((20 + 2 * frame - 16) / 219) * 255;
    seen.forEach((grey, n) => expect(Math.abs(grey - drawn(25 + n))).toBeLessThanOrEqual(2));
  });

  test('keeps the shape by the shorter side, with even sides, and makes nothing larger', async () => {
    makeMedia(...countingPicture(5, { size: '122x66' }), ...H264_B, path('odd.mov'));
    for (const [pixels, width, height] of [[32, 58, 32], [200, 122, 66]] as const) {
      await cutParts({
        path: path('odd.mov'),
        startS: 0,
        pictures: [{ ...picture('shorter.mp4', 25, 5), size: { fit: 'shorter', pixels } }],
      });
      expect((await probe(path('shorter.mp4'))).video).toMatchObject({ width, height });
    } // prettier-ignore
  });

  test('gives the same bytes twice', async () => {
    for (const name of ['one', 'two']) {
      await cutParts({
        path: path('in.mov'),
        startS: 0.3,
        pictures: [picture(`${name}.mp4`, 21.5, 30)],
        sound: { path: path(`${name}.wav`), sampleRateHz: 22_050, samples: 30_000, startS: 0.3 },
      });
    }
    for (const kind of ['mp4', 'wav'])
      expect(readFileSync(path(`one.${kind}`)).equals(readFileSync(path(`two.${kind}`)))).toBe(true);
  });

  test('refuses a file that is cut off', async () => {
    makeMedia(...countingPicture(100), ...H264_B, '-movflags', '+faststart', path('whole.mp4'));
    const bytes = readFileSync(path('whole.mp4'));
    const info = await probe(path('whole.mp4'));
    writeFileSync(path('part.mp4'), bytes.subarray(0, bytes.length * 0.7));
    // Also where an earlier look at the whole file is trusted.
    const cut = cutParts({ path: path('part.mp4'), startS: 0, pictures: [picture('part-cut.mp4', 25, 100)], info });
    expect((await errorOf(cut)).message).toMatch(/cut off/);
  });
});

describe('framesAtTicks', () => {
  async function* shownAt(times: readonly number[]): AsyncGenerator<DecodedFrame> {
    for (const [index, timeS] of times.entries()) yield { view: 'v', index, timeS, data: new Uint8Array() };
  }
  const ticks = async (times: readonly number[], startS: number, frameRate: number, count: number) => {
    const found: number[] = [];
    for await (const { index } of framesAtTicks(shownAt(times), { startS, frameRate, count })) found.push(index);
    return found;
  };

  test('gives at each tick the last frame that is shown by then', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 3000 }),
        fc.constantFrom(1, 8, 21.5, 25),
        fc.integer({ min: 1, max: 60 }),
        async (stepsMs, startMs, frameRate, count) => {
          let timeMs = 0;
          const times = stepsMs.map((stepMs) => (timeMs += stepMs) / 1000);
          const expected = Array.from({ length: count }, (_, n) => {
            const dueS = startMs / 1000 + n / frameRate + 0.002;
            return Math.max(0, times.filter((timeS) => timeS <= dueS).length - 1);
          });
          expect(await ticks(times, startMs / 1000, frameRate, count)).toEqual(expected);
        },
      ),
    );
  });

  test('gives nothing of nothing', async () => {
    expect(await ticks([], 0, 25, 10)).toEqual([]);
  });
});

describe('encodeFrames', () => {
  async function* greys(count: number, bytes = 32 * 16 * 3) {
    for (let n = 0; n < count; n++) yield new Uint8Array(bytes).fill(10 * n);
  }
  const encode = (frames: AsyncIterable<Uint8Array>, signal?: AbortSignal) =>
    encodeFrames({ frames, width: 32, height: 16, frameRate: 25, path: path('made.mp4'), signal });

  test('makes a video of all frames, in order', async () => {
    expect(await encode(greys(20))).toBe(20);
    expect((await probe(path('made.mp4'))).video).toMatchObject({
      frameCount: 20,
      frameRate: 25,
      width: 32,
      height: 16,
    });
    const levels = (await allFrames(path('made.mp4'))).map(({ data }) => data[100]!);
    levels.forEach((level, n) => expect(Math.abs(level - 10 * n)).toBeLessThanOrEqual(3));
  });

  test('refuses no frames and frames of another size, and passes on what its source throws', async () => {
    expect((await errorOf(encode(greys(0)))).message).toMatch(/no frame/);
    expect((await errorOf(encode(greys(2, 100)))).message).toMatch(/100 bytes/);
    async function* failing() {
      yield new Uint8Array(32 * 16 * 3);
      throw new Error('the source failed');
    }
    await expect(encode(failing())).rejects.toThrow('the source failed');
  });

  test('stops when it is cancelled', async () => {
    const abort = new AbortController();
    async function* endless() {
      for (let n = 0; ; n++) {
        if (n === 50) abort.abort();
        yield new Uint8Array(32 * 16 * 3);
      }
    }
    expect((await errorOf(encode(endless(), abort.signal))).reason).toBe('CANCELLED');
  });
});
