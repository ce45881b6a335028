import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CreatePreprocessingRequest,
  JobState,
  PreprocessingSpec,
  PreprocessorServiceService,
  type ObjectRef,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  createTestClient,
  makeTestClip,
  startServiceProcess,
  startTestServices,
  temporaryFolder,
  until,
  type TestClient,
  type TestServices,
} from '@soundstage/core/testing';
import { probe, runningProcesses } from '@soundstage/media';
import { longTest } from '@soundstage/core/contract-tests';
import { createPreprocessor } from './index.js';

const main = fileURLToPath(new URL('./main.js', import.meta.url));

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
const clips: Record<'sound' | 'silent' | 'long', Buffer> = {} as never;

const start = () => startTestServices(createLocalAdapters, [createPreprocessor], home.path);

beforeAll(async () => {
  home = await temporaryFolder();
  const path = join(home.path, 'clip.mp4');
  for (const [name, clip] of [
    ['sound', { seconds: 3, frameRate: 30 }],
    ['silent', { seconds: 1, sound: false }],
    ['long', { seconds: 20, size: '640x360' }],
  ] as const) {
    await makeTestClip(path, clip);
    clips[name] = await readFile(path);
  }
  services = await start();
});

afterAll(async () => {
  await services.drain();
  await home.remove();
});

const small = { startS: 0, durationS: 0, frameRate: 21.5, width: 128, height: 96, sampleRateHz: 22050 };
/** Takes some seconds of work. */
const heavy = { startS: 0, durationS: 20, frameRate: 60, width: 960, height: 540, sampleRateHz: 48000 };

const create = async (clip: ObjectRef, spec: Partial<PreprocessingSpec>, client: TestClient = services.client) => {
  const request = CreatePreprocessingRequest.fromPartial({
    spec: PreprocessingSpec.fromPartial({ ...small, ...spec, clip }),
  });
  const { job } = await client.call(PreprocessorServiceService.createPreprocessing, request);
  return job!;
};

describe('the preprocessor', () => {
  test('cuts a clip exact to the frame and the sample', async () => {
    const clip = await services.client.upload(clips.sound, 'video/mp4');
    const { id } = await create(clip, { startS: 0.5, durationS: 2 });
    const result = await services.client.resultOf(id, 'preprocessing');
    expect(result).toMatchObject({ frameCount: 43, sampleCount: 44100n, nextJobId: '' });

    const path = join(home.path, 'cut.mp4');
    await writeFile(path, await services.client.download(result.video!.key));
    expect((await probe(path)).video).toMatchObject({ frameCount: 43, frameRate: 21.5, width: 128, height: 96 });
    const wav = await services.client.download(result.audio!.key);
    // RIFF/WAVE: mono, 22,050 Hz, 16 bit, and the data to the byte.
    expect([wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt16LE(34)]).toEqual([1, 22050, 16]);
    expect(wav.readUInt32LE(wav.indexOf('data') + 4)).toBe(44100 * 2);
  });

  test('cuts to the end of the clip where no length is given, and leaves out sound that is not there', async () => {
    const clip = await services.client.upload(clips.silent, 'video/mp4');
    const result = await services.client.resultOf(
      (await create(clip, { startS: 0.2, frameRate: 25 })).id,
      'preprocessing',
    );
    expect(result).toMatchObject({ frameCount: 20, sampleCount: 0n });
    expect(result.audio).toBeUndefined();
  });

  test('does the same work only once', async () => {
    const clip = await services.client.upload(clips.sound, 'video/mp4');
    const first = await services.client.resultOf((await create(clip, { durationS: 1 })).id, 'preprocessing');
    const before = await services.platform.metrics.workTotal.get();
    const again = await services.client.resultOf((await create(clip, { durationS: 1 })).id, 'preprocessing');
    expect(again).toEqual(first);
    const cached = (all: typeof before) => all.values.find(({ labels }) => labels.outcome === 'cached')?.value ?? 0;
    expect(cached(await services.platform.metrics.workTotal.get())).toBe(cached(before) + 1);
  });

  test('refuses a cut that begins behind the end', async () => {
    const clip = await services.client.upload(clips.silent, 'video/mp4');
    const job = await services.client.untilEnded((await create(clip, { startS: 60 })).id);
    expect(job).toMatchObject({ state: JobState.FAILED, error: { reason: 'BAD_INPUT' } });
  });

  test('refuses a clip whose bytes are not those of its reference', async () => {
    const clip = await services.client.upload(clips.silent, 'video/mp4');
    await expect(create({ ...clip, sha256: 'a'.repeat(64) }, {})).rejects.toMatchObject({ reason: 'BAD_INPUT' });
  });

  test('stops ffmpeg when the job is cancelled, and leaves nothing behind', async () => {
    const clip = await services.client.upload(clips.long, 'video/mp4');
    // Ten minutes of picture, far more than the test waits for.
    const { id } = await create(clip, { ...heavy, durationS: 600 });
    await services.client.waitFor(id, ({ steps }) => steps[1]?.message !== undefined && steps[1].message !== '');
    await until(() => runningProcesses() > 0);
    await services.client.cancelJob(id);
    expect(await services.client.untilEnded(id, 10_000)).toMatchObject({ state: JobState.CANCELLED });
    expect(runningProcesses()).toBe(0);
    expect(await readdir(join(home.path, 'scratch', 'preprocessing'))).toEqual([]);
    expect(await services.platform.queue.stats('preprocessing')).toMatchObject({ ready: 0, delayed: 0, leased: 0 });
  });

  test('puts work back when it must stop, and the next process finishes it', async () => {
    const clip = await services.client.upload(clips.long, 'video/mp4');
    const { id } = await create(clip, { ...heavy, frameRate: 58, durationS: 10 });
    await until(() => runningProcesses() > 0);
    await services.drain();
    expect(runningProcesses()).toBe(0);
    services = await start();
    const job = await services.client.untilEnded(id, 60_000);
    // A stop is not the work's fault: it spends no attempt.
    expect(job).toMatchObject({ state: JobState.SUCCEEDED, attempt: 1 });
  }, 90_000);
});

describe('a preprocessor that is killed', () => {
  longTest(
    'again and again, in the midst of its work, finishes it exactly once',
    async () => {
      const apart = await temporaryFolder();
      const env = { SOUNDSTAGE_HOME: apart.path };
      let service = await startServiceProcess(main, env);
      let client = createTestClient(service.address);
      const clip = await client.upload(clips.long, 'video/mp4');
      const { id } = await create(clip, { ...heavy, durationS: 6, frameRate: 50 }, client);
      for (const delayMs of [150, 700]) {
        await client.waitFor(id, ({ state }) => state !== JobState.QUEUED);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await service.stop('SIGKILL');
        client.close();
        service = await startServiceProcess(main, env);
        client = createTestClient(service.address);
      }
      const job = await client.untilEnded(id, 60_000);
      expect(job).toMatchObject({ state: JobState.SUCCEEDED, attempt: 1 });
      const result = await client.resultOf(id, 'preprocessing');
      expect(result.frameCount).toBe(300);
      const { store, queue } = createLocalAdapters(apart.path);
      const made = (await store.list('work/')).map(({ key }) => key.split('/').at(-1));
      expect(made.sort()).toEqual(['manifest.json', 'sound.wav', 'video.mp4']);
      expect(await queue.stats('preprocessing')).toMatchObject({ ready: 0, delayed: 0, leased: 0, dead: 0 });
      await queue.close();
      client.close();
      await service.stop('SIGTERM');
      expect(await readdir(join(apart.path, 'scratch', 'preprocessing'))).toEqual([]);
      await apart.remove();
    },
    90_000,
  );
});
