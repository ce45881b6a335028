import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { cutClip, decodeAudio, makeStillVideo, measureLoudness, probe } from './index.js';
import { allFrames, countingPicture, errorOf, frameNumber, H264_B, makeMedia, testFolder } from './test-media.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(120_000);
const folder = testFolder();
const { path } = folder;
beforeAll(() => {
  // Sound: 0.5 from 1 s to 2 s, else silence.
  const pulse = ['-f', 'lavfi', '-i', "aevalsrc='if(between(t,1,1.9999999),0.5,0)':s=48000:d=4"];
  makeMedia(...countingPicture(100), ...pulse, ...H264_B, '-c:a', 'pcm_s16le', path('in.mkv'));
});
afterAll(folder.remove);

const cut = (options: { startS: number; durationS: number; frameRate: number; path?: string; name?: string }) =>
  cutClip({
    path: path('in.mkv'), width: 32, height: 24, sampleRateHz: 16_000,
    videoPath: path(`${options.name ?? 'clip'}.mp4`), soundPath: path(`${options.name ?? 'clip'}.wav`), ...options,
  }); // prettier-ignore

async function samplesOf(name: string, rate = 16_000): Promise<number[]> {
  const samples: number[] = [];
  for await (const block of decodeAudio(path(name), { sampleRateHz: rate, channels: 1 })) samples.push(...block);
  return samples;
}

describe('cutClip', () => {
  test('is exact to the frame and to the sample', async () => {
    expect(await cut({ startS: 0.6, durationS: 2, frameRate: 25 })).toEqual({
      frames: 50,
      samples: 32_000,
      hasSound: true,
      paddedS: 0,
    });
    const frames = await allFrames(path('clip.mp4'));
    expect(frames.map(frameNumber)).toEqual(Array.from({ length: 50 }, (_, n) => 15 + n));
    const samples = await samplesOf('clip.wav');
    expect(samples).toHaveLength(32_000);
    // The pulse begins 0.4 s and ends 1.4 s after the beginning of the clip.
    expect(samples.findIndex((value) => value > 0.25)).toBe(6_400);
    expect(samples.findLastIndex((value) => value > 0.25)).toBe(22_399);
  });

  test('shows at each tick of another rate what players show then', async () => {
    await cut({ startS: 0.5, durationS: 1, frameRate: 10 });
    const frames = await allFrames(path('clip.mp4'));
    expect(frames.map(frameNumber)).toEqual([12, 15, 17, 20, 22, 25, 27, 30, 32, 35]);
    expect((await probe(path('clip.mp4'))).video).toMatchObject({
      frameRate: 10,
      variableFrameRate: false,
      frameCount: 10,
    });
    await cut({ startS: 3.017, durationS: 0.5, frameRate: 50 });
    expect((await allFrames(path('clip.mp4'))).slice(0, 5).map(frameNumber)).toEqual([75, 75, 76, 76, 77]);
  });

  test('holds the last picture and adds silence after the end', async () => {
    expect(await cut({ startS: 3.8, durationS: 1, frameRate: 25 })).toMatchObject({ frames: 25, samples: 16_000 });
    expect((await allFrames(path('clip.mp4'))).map(frameNumber)).toEqual([
      95,
      96,
      97,
      98,
      ...Array.from({ length: 21 }, () => 99),
    ]);
    expect(await samplesOf('clip.wav')).toHaveLength(16_000);
  });

  test('gives silence where there is no sound', async () => {
    makeMedia('-i', path('in.mkv'), '-an', '-c', 'copy', path('mute.mp4'));
    expect(await cut({ path: path('mute.mp4'), startS: 0, durationS: 1, frameRate: 25 })).toMatchObject({
      hasSound: false,
    });
    const samples = await samplesOf('clip.wav');
    expect(samples).toHaveLength(16_000);
    expect(samples.every((value) => value === 0)).toBe(true);
  });

  test('gives the same bytes twice', async () => {
    for (const name of ['one', 'two']) await cut({ startS: 0.3, durationS: 1, frameRate: 15, name });
    for (const kind of ['mp4', 'wav'])
      expect(readFileSync(path(`one.${kind}`)).equals(readFileSync(path(`two.${kind}`)))).toBe(true);
  });

  test('refuses what cannot be, and leaves nothing behind', async () => {
    expect((await errorOf(cut({ startS: 4, durationS: 1, frameRate: 25, name: 'none' }))).message).toMatch(
      /ends at 4\.00 s/,
    );
    expect((await errorOf(cut({ startS: 0, durationS: 0.001, frameRate: 25, name: 'none' }))).message).toMatch(
      /at least one frame/,
    );
    expect(folder.list().filter((name) => name.startsWith('none') || name.startsWith('.'))).toEqual([]);
  });
});

describe('makeStillVideo', () => {
  test('shows one picture for a time', async () => {
    makeMedia('-f', 'lavfi', '-i', 'testsrc2=s=101x75:r=1:d=1', '-frames:v', '1', path('still.png'));
    await makeStillVideo({ path: path('still.png'), durationS: 2, outputPath: path('still.mp4') });
    const { video, durationS } = await probe(path('still.mp4'));
    expect(video).toMatchObject({ width: 100, height: 74, frameCount: 50, codec: 'h264' });
    expect(durationS).toBeCloseTo(2, 6);
  });
});

describe('measureLoudness', () => {
  // EBU Tech 3341, case 1: a stereo sine of 1 kHz at −23 dBFS has −23 LUFS.
  function* tone(dbfs: number, durationS: number) {
    const block = new Float32Array(Math.round(durationS * 48_000) * 2);
    for (let k = 0; k < block.length / 2; k++) {
      block[2 * k] = block[2 * k + 1] = 10 ** (dbfs / 20) * Math.sin((2 * Math.PI * 1000 * k) / 48_000);
    }
    yield block;
  }

  test('measures the tones of EBU Tech 3341', async () => {
    for (const dbfs of [-23, -33]) {
      const loudness = await measureLoudness({ blocks: tone(dbfs, 20), sampleRateHz: 48_000, channels: 2 });
      expect(Math.abs(loudness.integratedLufs - dbfs)).toBeLessThan(0.1);
      expect(Math.abs(loudness.truePeakDbtp - dbfs)).toBeLessThan(0.3);
      expect(loudness.loudnessRangeLu).toBeLessThan(0.1);
    }
  });

  test('measures a file, and silence', async () => {
    makeMedia(
      '-f',
      'lavfi',
      '-i',
      'aevalsrc=0.5*sin(2*PI*1000*t)|0.5*sin(2*PI*1000*t):s=48000:d=3',
      '-ac',
      '2',
      path('tone.wav'),
    );
    const loudness = await measureLoudness(path('tone.wav'));
    expect(loudness.truePeakDbtp).toBeCloseTo(20 * Math.log10(0.5), 1);
    const silence = await measureLoudness({ blocks: [new Float32Array(96_000)], sampleRateHz: 48_000, channels: 1 });
    expect(silence).toEqual({ integratedLufs: -70, truePeakDbtp: -120, loudnessRangeLu: 0 });
  });
});
