import { longTest } from '@soundstage/core/contract-tests';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeFrames, probe, runningProcesses } from './index.js';
import {
  allFrames,
  countingPicture,
  COUNTING_VIEW,
  errorOf,
  ffmpegChildren,
  frameNumber,
  H264,
  H264_B,
  makeMedia,
  sine,
  testFolder,
} from './test-media.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(120_000);
const folder = testFolder();
const { path } = folder;
beforeAll(() => {
  makeMedia(...countingPicture(100), ...sine(4), ...H264_B, '-g', '30', '-c:a', 'aac', path('plain.mp4'));
  makeMedia('-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=25:d=8', ...H264, path('long.mp4'));
});
afterAll(folder.remove);

const numbersAndTimes = async (name: string, options = {}) =>
  (await allFrames(path(name), options)).map((frame) => [frameNumber(frame), Number(frame.timeS.toFixed(3))]);
const plain = Array.from({ length: 100 }, (_, n) => [n, n * 0.04]);
const rounded = (pairs: number[][]) => pairs.map(([n, t]) => [n, Number((t as number).toFixed(3))]);

describe('decodeFrames', () => {
  test('gives every frame in the order of showing, with its time, though B-frames are stored in another', async () => {
    expect(await numbersAndTimes('plain.mp4')).toEqual(rounded(plain));
  });

  test('gives several views from one decoding', async () => {
    const views = [
      { name: 'motion', width: 160, height: 96, pixelFormat: 'gray', maxFrameRate: 30 },
      { name: 'stills', width: 32, height: 24, pixelFormat: 'rgb24', everyS: 1 },
      { name: 'middle', width: 8, height: 8, pixelFormat: 'rgb24', count: 2 },
    ] as const;
    const frames = await allFrames(path('plain.mp4'), { views });
    const of = (name: string) => frames.filter((frame) => frame.view === name);
    expect(of('motion')).toHaveLength(100);
    expect(of('motion')[0]?.data).toHaveLength(160 * 96);
    expect(of('stills').map((frame) => frame.timeS)).toEqual([0, 1, 2, 3]);
    expect(of('stills')[0]?.data).toHaveLength(32 * 24 * 3);
    expect(of('middle').map((frame) => Math.round(frame.timeS))).toEqual([1, 3]);
    for (const name of ['motion', 'stills', 'middle']) {
      expect(of(name).map((frame) => frame.index)).toEqual(of(name).map((_, index) => index));
    }
  });

  test('gives only the pictures that are stored whole, with their times, where that is asked for', async () => {
    const asked = await numbersAndTimes('plain.mp4', { keyFramesOnly: true });
    expect(asked).toEqual(rounded(plain.filter(([n]) => n! % 30 === 0)));
  });

  test('drops frames only above the highest rate', async () => {
    makeMedia(...countingPicture(100, { rate: 60 }), ...H264, path('sixty.mp4'));
    const view = { ...COUNTING_VIEW, maxFrameRate: 30 };
    const frames = await allFrames(path('sixty.mp4'), { views: [view] });
    expect(frames.map(frameNumber)).toEqual(Array.from({ length: 50 }, (_, n) => 2 * n));
    expect(frames[1]?.timeS).toBeCloseTo(1 / 30, 3);
    makeMedia(...countingPicture(60, { rate: 30 }), ...H264, path('thirty.mkv'));
    expect(await allFrames(path('thirty.mkv'), { views: [view] })).toHaveLength(60);
  });

  test('gives exactly the frames that stand at the ticks of another rate, beside views that keep their own', async () => {
    const views = [
      { ...COUNTING_VIEW, name: 'slower', ticks: { frameRate: 21.5, frames: 86 } },
      { ...COUNTING_VIEW, name: 'faster', ticks: { frameRate: 60, frames: 250 } },
      { ...COUNTING_VIEW, name: 'own' },
    ];
    const frames = await allFrames(path('plain.mp4'), { views });
    const of = (name: string) => frames.filter((frame) => frame.view === name);
    // A picture that comes up to 2 ms behind its tick counts: time stamps are rounded.
    const standing = (n: number, rate: number) => Math.min(99, Math.floor((n / rate + 0.002) * 25));
    for (const [name, rate, count] of [['slower', 21.5, 86], ['faster', 60, 250]] as const) {
      expect(of(name).map(frameNumber)).toEqual(Array.from({ length: count }, (_, n) => standing(n, rate)));
      expect(of(name).map(({ timeS }) => timeS)).toEqual(Array.from({ length: count }, (_, n) => n / rate));
    } // prettier-ignore
    expect(of('own').map(frameNumber)).toEqual(plain.map(([n]) => n));
    const later = await allFrames(path('plain.mp4'), {
      startS: 1.01,
      views: [{ ...COUNTING_VIEW, ticks: { frameRate: 12.5, frames: 20 } }],
    });
    expect(later[0]?.timeS).toBe(1.01);
    expect(later.map(frameNumber)).toEqual(Array.from({ length: 20 }, (_, n) => Math.max(26, 25 + 2 * n)));
  });

  test('keeps the true times of a variable frame rate', async () => {
    makeMedia(
      ...countingPicture(60),
      '-vf',
      "select='not(between(n,20,27))'",
      '-fps_mode',
      'vfr',
      ...H264_B,
      path('vfr.mp4'),
    );
    expect(await numbersAndTimes('vfr.mp4')).toEqual(rounded(plain.slice(0, 60).filter(([n]) => n! < 20 || n! > 27)));
  });

  test.each(['mkv', 'ts', 'flv', 'mov'])('gives the same frames and times from .%s', async (kind) => {
    makeMedia('-i', path('plain.mp4'), '-an', '-c', 'copy', path(`plain.${kind}`));
    const found = await numbersAndTimes(`plain.${kind}`);
    expect(found.map(([n]) => n)).toEqual(plain.map(([n]) => n));
    for (const [n, t] of found) expect(Math.abs((t as number) - 0.04 * (n as number))).toBeLessThan(0.0011);
  });

  test('follows an edit list: frames that players skip are skipped, and time begins at the cut', async () => {
    makeMedia('-ss', '1.6', '-i', path('plain.mp4'), '-c', 'copy', path('cut.mp4'));
    const found = await numbersAndTimes('cut.mp4');
    expect(found[0]).toEqual([40, 0]);
    expect(found.at(-1)).toEqual([99, 2.36]);
  });

  test('keeps the delay of a picture that begins after the sound', async () => {
    makeMedia(
      '-itsoffset',
      '0.5',
      '-i',
      path('plain.mp4'),
      '-i',
      path('plain.mp4'),
      '-map',
      '0:v',
      '-map',
      '1:a',
      '-c',
      'copy',
      path('late.mp4'),
    );
    expect((await probe(path('late.mp4'))).video?.startS).toBeCloseTo(0.5, 2);
    expect((await numbersAndTimes('late.mp4'))[0]).toEqual([0, 0.5]);
  });

  test('counts from the container’s first time where that is above zero', async () => {
    makeMedia('-i', path('plain.mp4'), '-an', '-c', 'copy', '-output_ts_offset', '7', path('moved.mkv'));
    expect((await probe(path('moved.mkv'))).startS).toBeCloseTo(7, 2);
    const found = await numbersAndTimes('moved.mkv');
    expect(found[0]).toEqual([0, 0]);
    expect(found.at(-1)).toEqual([99, 3.96]);
  });

  test('counts from zero where only the sound’s warm-up lies before it', async () => {
    makeMedia(
      ...countingPicture(25),
      ...sine(1),
      ...H264,
      '-c:a',
      'aac',
      '-avoid_negative_ts',
      'disabled',
      path('warm.mkv'),
    );
    expect(await probe(path('warm.mkv'))).toMatchObject({ startS: 0, video: { startS: 0 } });
    expect((await numbersAndTimes('warm.mkv'))[0]).toEqual([0, 0]);
    expect((await numbersAndTimes('warm.mkv', { startS: 0.4 }))[0]).toEqual([10, 0.4]);
  });

  test('leaves out what lies before zero in an MP4', async () => {
    const before = ['-avoid_negative_ts', 'disabled', '-output_ts_offset', '-0.5'];
    makeMedia('-i', path('plain.mp4'), '-an', '-c', 'copy', ...before, path('before.mp4'));
    const found = await numbersAndTimes('before.mp4');
    // The picture that stands at −0.02 s is cut off by the edit list; the next one begins the file.
    expect(found[0]).toEqual([13, 0]);
    expect(found.at(-1)).toEqual([99, 3.44]);
  });

  test('decodes a part: frames from its start, with their times in the file', async () => {
    const found = await numbersAndTimes('plain.mp4', { startS: 2, durationS: 0.4 });
    expect(found).toEqual(rounded(plain.slice(50, 60)));
  });

  test('turns pictures upright', async () => {
    // The upper left quarter is white; turned by players, it lies elsewhere.
    const source = 'color=black:s=64x48:r=25:d=0.2,drawbox=0:0:32:24:white:fill';
    makeMedia('-f', 'lavfi', '-i', source, ...H264, path('quarter.mp4'));
    const corners: Record<string, string> = {};
    for (const rotate of ['0', '90', '180', '270']) {
      makeMedia(
        '-i',
        path('quarter.mp4'),
        '-c',
        'copy',
        '-metadata:s:v',
        `rotate=${rotate}`,
        path(`quarter${rotate}.mp4`),
      );
      const [frame] = await allFrames(path(`quarter${rotate}.mp4`));
      const at = (row: number, column: number) => (frame?.data[row * 16 + column] as number) > 128;
      const { video } = await probe(path(`quarter${rotate}.mp4`));
      corners[String(video?.rotationDegrees)] = [at(3, 3), at(3, 12), at(12, 12), at(12, 3)].map(Number).join('');
    }
    // Clockwise from the upper left: 90° moves the white quarter to the upper right, and so on.
    expect(corners).toEqual({ '0': '1000', '90': '0100', '180': '0010', '270': '0001' });
  });

  test('keeps the shape where asked to', async () => {
    makeMedia('-f', 'lavfi', '-i', 'color=white:s=128x32:r=25:d=0.1', ...H264, path('white.mp4'));
    const view = { name: 'v', width: 16, height: 16, pixelFormat: 'gray' } as const;
    const lit = async (fit: 'contain' | 'cover') =>
      (await allFrames(path('white.mp4'), { views: [{ ...view, fit }] }))[0]?.data.filter((grey) => grey > 128).length;
    expect(await lit('contain')).toBe(16 * 4);
    expect(await lit('cover')).toBe(16 * 16);
  });

  longTest('waits for a slow caller and does not fill the memory', async () => {
    const before = process.memoryUsage().rss;
    let frames = 0;
    let most = 0;
    const views = [{ name: 'big', width: 1280, height: 720, pixelFormat: 'rgb24' }] as const;
    for await (const frame of decodeFrames(path('long.mp4'), { views })) {
      if (frame.index % 50 === 0) await sleep(100);
      most = Math.max(most, process.memoryUsage().rss);
      frames += 1;
    }
    expect(frames).toBe(200);
    expect(most - before).toBeLessThan(350 * 2 ** 20); // 200 frames are 550 MB
  });

  test('leaves no ffmpeg behind when the caller leaves early', async () => {
    for await (const frame of decodeFrames(path('long.mp4'), { views: [COUNTING_VIEW] })) if (frame.index === 3) break;
    expect(runningProcesses()).toBe(0);
    expect(ffmpegChildren()).toEqual([]);
  });

  test('stops within a second or two when it is cancelled', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    const startedAt = performance.now();
    const slow = async () => {
      for await (const frame of decodeFrames(path('long.mp4'), { views: [COUNTING_VIEW], signal: controller.signal })) {
        await sleep(frame.index % 5);
      }
    };
    expect((await errorOf(slow())).reason).toBe('CANCELLED');
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect(runningProcesses()).toBe(0);
  });

  test('says so when ffmpeg is killed from outside, and that trying again may help', async () => {
    const work = async () => {
      const big = [{ name: 'big', width: 1280, height: 720, pixelFormat: 'rgb24' }] as const;
      for await (const frame of decodeFrames(path('long.mp4'), { views: big })) {
        if (frame.index === 2) for (const pid of ffmpegChildren()) process.kill(pid, 'SIGKILL');
      }
    };
    const error = await errorOf(work());
    expect(error).toMatchObject({ reason: 'UNAVAILABLE', retryable: true });
    expect(error.message).toMatch(/“long\.mp4”.*try again|SIGKILL/);
  });

  test('ends at its time limit, not counting the time that the caller takes', async () => {
    const tooShort = errorOf(allFrames(path('long.mp4'), { timeoutS: 0.05 }));
    expect((await tooShort).reason).toBe('DEADLINE_EXCEEDED');
  });

  test('limits the number of pictures', async () => {
    const error = await errorOf(allFrames(path('plain.mp4'), { limits: { frames: 50 } }));
    expect(error).toMatchObject({
      reason: 'BAD_INPUT',
      message: '“plain.mp4” has more than 50 pictures, which is the limit.',
    });
  });

  test('refuses a file without picture', async () => {
    makeMedia(...sine(1), path('sound.wav'));
    expect((await errorOf(allFrames(path('sound.wav')))).message).toBe('“sound.wav” has no picture.');
  });
});
