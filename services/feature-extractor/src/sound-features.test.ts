import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  CreateFeatureExtractionRequest,
  Feature,
  FeatureExtractionSpec,
  FeatureExtractorServiceService,
} from '@soundstage/contracts';
import { longTest } from '@soundstage/core/contract-tests';
import { createTestClient, makeTestClip, startServiceProcess, temporaryFolder } from '@soundstage/core/testing';
import { startExtractor, type TestExtractor } from './testing/extractor.js';
import { noise, wavOf } from './testing/noise.js';

jest.setTimeout(120_000);

interface Reference {
  shape: [number, number];
  /** By hop, counted from 0. */
  rows: Record<string, number[]>;
}
const reference = JSON.parse(readFileSync(new URL('../fixtures/librosa.json', import.meta.url), 'utf8')) as {
  seconds: number;
  features: Record<string, Reference>;
};

const SOUND = [Feature.MEL_22K, Feature.MEL_16K, Feature.STFT_11K, Feature.MFCC, Feature.ZERO_CROSSINGS];

let extractor: TestExtractor;
beforeAll(async () => {
  extractor = await startExtractor();
}, 60_000);
afterAll(() => extractor.stop());

describe('features of sound', () => {
  test.each([
    ['mel_22k', Feature.MEL_22K, 22_050, 22_050 / 256],
    ['mel_16k', Feature.MEL_16K, 16_000, 100],
    ['stft_11k', Feature.STFT_11K, 11_025, 11_025 / 256],
    ['mfcc', Feature.MFCC, 16_000, 16_000 / 152],
    ['zero_crossings', Feature.ZERO_CROSSINGS, 16_000, 16_000 / 152],
  ] as const)(
    '%s is what librosa gives, from the clip to the stored array',
    async (name, feature, sampleRateHz, rateHz) => {
      const { shape, rows } = reference.features[name]!;
      const clip = await extractor.upload(wavOf(noise(sampleRateHz, reference.seconds), sampleRateHz), 'audio/wav');
      const { files } = await extractor.extract(clip, [feature]);
      expect(files[0]).toMatchObject({ shape, rateHz, model: expect.stringMatching(`^${name}/1@sha256:`) });
      const ours = await extractor.numbersOf(files[0]);
      const scale = Math.max(1, ...Object.values(rows).flat().map(Math.abs));
      for (const [hop, values] of Object.entries(rows)) {
        const row = ours.subarray(Number(hop) * shape[1], (Number(hop) + 1) * shape[1]);
        const worst = values.reduce((most, value, n) => Math.max(most, Math.abs(value - row[n]!)), 0);
        expect(worst / scale).toBeLessThan(1e-4);
      }
    },
  );

  test('speech is a row for each block of 512 samples, and noise is none', async () => {
    const clip = await extractor.upload(wavOf(noise(16_000, 40), 16_000), 'audio/wav');
    const { files } = await extractor.extract(clip, [Feature.SPEECH]);
    expect(files[0]).toMatchObject({ shape: [1250, 1], rateHz: 31.25 });
    const probability = await extractor.numbersOf(files[0]);
    expect(Math.max(...probability)).toBeLessThan(0.5);
  });

  test('come at once, also beside those of the picture, and count from the clip’s zero', async () => {
    const path = extractor.path('clip.mp4');
    await makeTestClip(path, { seconds: 3 });
    const { files } = await extractor.extract(await extractor.upload(await readFile(path)), [...SOUND, Feature.MOTION]);
    const rows = files.map(({ shape }) => shape[0]!);
    // AAC's last frame may be longer than the clip by up to 1024 samples of 44,100 Hz.
    for (const [n, rateHz] of [22_050 / 256, 100, 11_025 / 256, 16_000 / 152, 16_000 / 152].entries()) {
      expect(rows[n]!).toBeGreaterThanOrEqual(Math.floor(3 * rateHz) + 1);
      expect(rows[n]!).toBeLessThanOrEqual(Math.floor(3.024 * rateHz) + 1);
    }
    expect(rows[5]).toBe(74);
    expect(files.map(({ rateHz }) => Math.round(rateHz))).toEqual([86, 100, 43, 105, 105, 0]);
  });

  test('come from a file of their own where the spec names one', async () => {
    const path = extractor.path('silent.mp4');
    await makeTestClip(path, { seconds: 1, sound: false });
    const clip = await extractor.upload(await readFile(path));
    const sound = await extractor.upload(wavOf(noise(16_000, 2), 16_000), 'audio/wav');
    const { files } = await extractor.extract(clip, [Feature.MEL_16K, Feature.RGB], { sound });
    expect(files.map(({ shape }) => shape)).toEqual([
      [201, 80],
      [25, 1280],
    ]);
  });

  test('are refused of a clip without sound, in words', async () => {
    const path = extractor.path('mute.mp4');
    await makeTestClip(path, { seconds: 1, sound: false, seed: 3 });
    const sentence = await extractor.refusal(await extractor.upload(await readFile(path)), [Feature.MFCC]);
    expect(sentence).toContain('no sound');
  });

  test('of a sound shorter than a window are a single row', async () => {
    const clip = await extractor.upload(wavOf(noise(16_000, 1).subarray(0, 100), 16_000), 'audio/wav');
    const { files } = await extractor.extract(clip, [Feature.MEL_16K, Feature.MFCC, Feature.ZERO_CROSSINGS]);
    expect(files.map(({ shape }) => shape)).toEqual([
      [1, 80],
      [1, 12],
      [1, 1],
    ]);
  });

  longTest('of half an hour of sound take no more memory than those of a minute', async () => {
    const own = await temporaryFolder();
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const child = await startServiceProcess(main, { SOUNDSTAGE_HOME: own.path });
    const client = createTestClient(child.address);
    const peakMb = async () =>
      Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024;
    const extract = async (seconds: number) => {
      const path = `${own.path}/${seconds}.flac`;
      await makeLongSound(path, seconds);
      const clip = await client.upload(await readFile(path), 'audio/flac');
      const spec = FeatureExtractionSpec.fromPartial({ clip, features: [Feature.ZERO_CROSSINGS] });
      const request = CreateFeatureExtractionRequest.fromPartial({ spec });
      const { job } = await client.call(FeatureExtractorServiceService.createFeatureExtraction, request);
      return (await client.resultOf(job!.id, 'featureExtraction')).files;
    };
    try {
      await extract(60);
      const before = await peakMb();
      const files = await extract(1800);
      expect(files[0]?.shape).toEqual([1 + Math.floor((1800 * 16_000) / 152), 1]);
      // The samples alone are 115 MB.
      expect((await peakMb()) - before).toBeLessThan(60);
    } finally {
      client.close();
      await child.stop('SIGTERM');
      await own.remove();
    }
  });
});

function makeLongSound(path: string, seconds: number): Promise<unknown> {
  const sound = `sine=f=440:r=16000:d=${seconds}`;
  return promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', sound, '-ac', '1', '-c:a', 'flac', path]);
}
