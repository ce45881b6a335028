import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CreateFeatureExtractionRequest,
  Feature,
  FeatureExtractionSpec,
  FeatureExtractorServiceService,
  JobState,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  healthOf,
  makeTestClip,
  startTestServices,
  temporaryFolder,
  until,
  withEnvironment,
  type TestServices,
} from '@soundstage/core/testing';
import { decodeFrames, runningProcesses } from '@soundstage/media';
import { readFeatureModels } from './feature-models.js';
import { readFeatureExtractorConfig } from './config.js';
import { createFeatureExtractor } from './index.js';

const FRAMES = 70;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let clipPath: string;

beforeAll(async () => {
  home = await temporaryFolder();
  clipPath = join(home.path, 'clip.mp4');
  await makeTestClip(clipPath, { seconds: FRAMES / 25, size: '320x192', sound: false });
  services = await startTestServices(createLocalAdapters, [createFeatureExtractor], home.path);
}, 60_000);

afterAll(async () => {
  await services.drain();
  await home.remove();
});

const create = async (content: Buffer, features: Feature[], running = services) => {
  const clip = await running.client.upload(content, 'video/mp4');
  const request = CreateFeatureExtractionRequest.fromPartial({
    spec: FeatureExtractionSpec.fromPartial({ clip, features }),
  });
  const { job } = await running.client.call(FeatureExtractorServiceService.createFeatureExtraction, request);
  return job!;
};

/** RIFF/WAVE of some samples, mono, 16 bit, 8 kHz. */
function silence(samples: number): Buffer {
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(8000, 24);
  wav.writeUInt32LE(16000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  return wav;
}

const HEADER_BYTES = 128;
const numbersOf = async (key: string) => {
  const bytes = (await services.client.download(key)).subarray(HEADER_BYTES);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

describe('the feature extractor', () => {
  test('computes motion, flow and embeddings, and names the model of each', async () => {
    const { id } = await create(await readFile(clipPath), [Feature.MOTION, Feature.FLOW, Feature.RGB]);
    const { files } = await services.client.resultOf(id, 'featureExtraction');
    expect(files.map(({ feature, shape }) => [feature, shape])).toEqual([
      [Feature.MOTION, [FRAMES - 1, 390]],
      [Feature.FLOW, [FRAMES - 1, 2, 96, 160]],
      [Feature.RGB, [FRAMES, 1280]],
    ]);
    for (const { array, shape, model } of files) {
      const count = shape.reduce((a, b) => a * b, 1);
      expect(array?.sizeBytes).toBe(BigInt(HEADER_BYTES + 4 * count));
      expect(model).toMatch(/^(motion|flow|classifier)\/\d+@sha256:[0-9a-f]{64}$/);
      expect((await numbersOf(array!.key)).every(Number.isFinite)).toBe(true);
    }
  }, 60_000);

  test('gives the numbers of one long run of the model, though it works in batches', async () => {
    const { id } = await create(await readFile(clipPath), [Feature.MOTION]);
    const { files } = await services.client.resultOf(id, 'featureExtraction');
    const ours = await numbersOf(files[0]!.array!.key);

    const frames: Uint8Array[] = [];
    const timesS: number[] = [];
    const view = { name: 'all', width: 160, height: 96, pixelFormat: 'gray' } as const;
    for await (const frame of decodeFrames(clipPath, { views: [view] })) {
      frames.push(frame.data);
      timesS.push(frame.timeS);
    }
    const models = await readFeatureModels(readFeatureExtractorConfig());
    const { features } = await models.of('motion').run({
      frames: { dims: [FRAMES, 96, 160], data: new Uint8Array(Buffer.concat(frames)) },
      times_s: { dims: [FRAMES], data: Float32Array.from(timesS) },
    });
    await models.close();
    const whole = features!.data as Float32Array;
    expect(ours.length).toBe(whole.length);
    const scale = whole.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const worst = whole.reduce((most, x, i) => Math.max(most, Math.abs(x - ours[i]!)), 0);
    expect(scale).toBeGreaterThan(0);
    expect(worst / scale).toBeLessThan(1e-3);
  }, 60_000);

  test('finds features again that were computed before', async () => {
    const first = await create(await readFile(clipPath), [Feature.MOTION]);
    const earlier = await services.client.resultOf(first.id, 'featureExtraction');
    const startedMs = Date.now();
    const again = await create(await readFile(clipPath), [Feature.MOTION]);
    expect(again.id).not.toBe(first.id);
    expect(await services.client.resultOf(again.id, 'featureExtraction')).toEqual(earlier);
    const manifests = (await services.platform.store.list('work/featureExtraction/')).map(({ key }) => key);
    const prefix = earlier.files[0]!.array!.key.replace('motion.npy', '');
    expect(manifests.filter((key) => key.startsWith(prefix))).toHaveLength(2);
    expect(Date.now() - startedMs).toBeLessThan(5000);
  });

  test('refuses at once what is no feature, and a feature that is named twice', async () => {
    const content = await readFile(clipPath);
    for (const features of [[], [Feature.UNSPECIFIED], [Feature.RGB, Feature.RGB]]) {
      await expect(create(content, features)).rejects.toMatchObject({
        reason: 'BAD_INPUT',
        violations: [{ field: 'spec.features' }],
      });
    }
  });

  test('refuses motion of a single picture', async () => {
    const path = join(home.path, 'single.mp4');
    await makeTestClip(path, { seconds: 0.04, sound: false });
    const job = await services.client.untilEnded((await create(await readFile(path), [Feature.MOTION])).id);
    expect(job).toMatchObject({ state: JobState.FAILED, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toContain('too few pictures');
  });

  test('refuses sound without a picture', async () => {
    const wav = silence(4000);
    const job = await services.client.untilEnded((await create(wav, [Feature.RGB])).id);
    expect(job).toMatchObject({ state: JobState.FAILED, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toContain('no picture');
  });

  test('stops model and decoder when the job is cancelled, stays up, and does the next job', async () => {
    const path = join(home.path, 'long.mp4');
    await makeTestClip(path, { seconds: 60, sound: false });
    const { id } = await create(await readFile(path), [Feature.FLOW, Feature.RGB]);
    await services.client.waitFor(id, ({ steps }) => (steps[1]?.fraction ?? 0) > 0);
    await until(() => runningProcesses() > 0);
    await services.client.cancelJob(id);
    expect(await services.client.untilEnded(id)).toMatchObject({ state: JobState.CANCELLED });
    expect(runningProcesses()).toBe(0);
    expect(await readdir(join(home.path, 'scratch', 'featureExtraction'))).toEqual([]);
    await writeFile(path, '');
    await makeTestClip(path, { seconds: 0.4, sound: false, seed: 7 });
    const next = await create(await readFile(path), [Feature.FLOW]);
    expect((await services.client.resultOf(next.id, 'featureExtraction')).files[0]?.shape).toEqual([9, 2, 96, 160]);
    expect(await healthOf(services.address, 'soundstage.v1.FeatureExtractorService')).toBe('SERVING');
  }, 60_000);

  test('refuses features that would be larger than the limit', async () => {
    const apart = await temporaryFolder();
    const strict = await withEnvironment({ SOUNDSTAGE_FEATURE_BYTES: '1000000' }, () =>
      startTestServices(createLocalAdapters, [createFeatureExtractor], apart.path),
    );
    const { id } = await create(await readFile(clipPath), [Feature.FLOW], strict);
    const job = await strict.client.untilEnded(id);
    expect(job).toMatchObject({ state: JobState.FAILED, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toContain('limit of 1000000 bytes');
    await strict.drain();
    await apart.remove();
  }, 60_000);
});
