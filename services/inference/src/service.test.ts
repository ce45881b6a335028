import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  CreateFoleyRequest,
  FoleySpec,
  InferenceServiceService,
  JobServiceService,
  JobState,
  PaletteClassKind,
  type ObjectRef,
} from '@soundstage/contracts';
import {
  healthOf,
  reflectedServices,
  startServiceProcess,
  startTestServices,
  createTestClient,
  temporaryFolder,
  type TestServices,
} from '@soundstage/core/testing';
import { readCues, writeCues } from '@soundstage/cues';
import { hashVideoPackets, probe, runningProcesses } from '@soundstage/media';
import { longTest } from '@soundstage/core/contract-tests';
import { createInference } from './index.js';
import { bouncingBox, H264, makeVideo } from './testing/silent-video.js';

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let silent: Buffer;
let video: ObjectRef;

beforeAll(async () => {
  home = await temporaryFolder();
  services = await startTestServices(createLocalAdapters, [createInference], home.path);
  silent = makeVideo(join(home.path, 'silent.mp4'), ...bouncingBox(), ...H264);
  video = await services.client.upload(silent, 'video/mp4');
}, 60_000);

afterAll(async () => {
  await services.drain();
  await home.remove();
});

const create = async (spec: Partial<FoleySpec> = {}, requestId = '') => {
  const request = CreateFoleyRequest.fromPartial({
    requestId,
    spec: FoleySpec.fromPartial({ video, sound: 'wood', seed: 1n, fileName: 'silent.mp4', ...spec }),
  });
  return (await services.client.call(InferenceServiceService.createFoley, request)).job!;
};

describe('the inference service', () => {
  test('says that it serves, and what', async () => {
    expect(await healthOf(services.address, '')).toBe('SERVING');
    expect(await healthOf(services.address, 'soundstage.v1.InferenceService')).toBe('SERVING');
    expect(await reflectedServices(services.address)).toEqual(
      expect.arrayContaining([
        'soundstage.v1.InferenceService',
        'soundstage.v1.JobService',
        'soundstage.v1.TransferService',
      ]),
    );
  });

  test('tells which models it runs, by hash, and on what', async () => {
    const { models } = await services.client.call(InferenceServiceService.listLoadedModels, {});
    expect(models.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['classifier', 'detector', 'motion', 'onset']),
    );
    for (const model of models) {
      expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(model.executionProvider).toBe('cpu');
    }
  });
});

describe('the palette over gRPC', () => {
  test('lists what can be heard, each sound with its licence, and plays any of it', async () => {
    const { classes } = await services.client.call(InferenceServiceService.listSounds, {});
    expect(classes.length).toBeGreaterThanOrEqual(40);
    for (const { sounds } of classes) for (const { licence } of sounds) expect(licence).toMatch(/./);
    const wood = classes.find(({ id }) => id === 'wood')!;
    expect(wood).toMatchObject({ kind: PaletteClassKind.STRUCK, group: 'impact' });
    const request = { class: 'wood', sound: wood.sounds.at(-1)!.name, strength: 1, seed: 0n };
    const { wav } = await services.client.call(InferenceServiceService.previewSound, request);
    expect(Buffer.from(wav).subarray(0, 4).toString()).toBe('RIFF');
    const unknown = services.client.call(InferenceServiceService.previewSound, { ...request, class: 'zyzzyx' });
    await expect(unknown).rejects.toMatchObject({ reason: 'BAD_INPUT' });
  });
});

describe('a silent video over gRPC', () => {
  test('comes back as the same picture with sound, and its progress can be watched step by step', async () => {
    const job = await create();
    const seen = await services.client.collect(JobServiceService.watchJob, { jobId: job.id });
    const last = seen.at(-1)!.job!;
    expect(last.state).toBe(JobState.SUCCEEDED);
    expect(last.steps.map(({ name }) => name)).toEqual([
      'fetch',
      'look',
      'what',
      'when',
      'sound',
      'mix',
      'mux',
      'store',
    ]);
    const fractions = seen.map(({ job: at }) => at!.fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(2);

    const result = await services.client.resultOf(job.id, 'foley');
    const [candidate] = result.candidates;
    expect(candidate!.hits).toBeGreaterThan(0);
    expect(candidate!.sounds.length).toBeGreaterThan(0);
    for (const { licence } of candidate!.sounds) expect(licence).not.toBe('');
    const finished = join(home.path, 'finished.mp4');
    await writeFile(finished, await services.client.download(candidate!.video!.key));
    const info = await probe(finished);
    expect(info.audio).toMatchObject({ sampleRateHz: 48_000, channels: 2 });
    expect(await hashVideoPackets(finished)).toBe(await hashVideoPackets(join(home.path, 'silent.mp4')));
  }, 60_000);

  test('can be planned, edited and rendered: the cue sheet goes out as JSON and WebVTT and comes back', async () => {
    const planned = await services.client.resultOf((await create({ onlyCues: true, candidates: 2 })).id, 'foley');
    expect(planned.candidates.map(({ seed, video: none }) => [seed, none])).toEqual([
      [1n, undefined],
      [2n, undefined],
    ]);
    const sheet = readCues(String(await services.client.download(planned.candidates[1]!.cues!.key)));
    expect(sheet).toMatchObject({ seed: 2, video: { name: 'silent.mp4' } });
    expect(String(await services.client.download(planned.candidates[0]!.cuesVtt!.key))).toMatch(/^WEBVTT\n/);

    const hits = sheet.hits.slice(0, 1).map((hit) => ({ ...hit, timeS: 0.5, class: 'metal', sound: undefined }));
    const cues = await services.client.upload(Buffer.from(writeCues({ ...sheet, hits })), 'application/json');
    const rendered = await services.client.resultOf((await create({ cues, sound: '', seed: 0n })).id, 'foley');
    expect(rendered.candidates).toMatchObject([{ hits: 1, seed: 2n, video: { mediaType: 'video/mp4' } }]);
    const back = readCues(String(await services.client.download(rendered.candidates[0]!.cues!.key)));
    expect(back.hits).toMatchObject([{ timeS: 0.5, class: 'metal', sound: expect.stringMatching(/./) }]);
  }, 60_000);

  test('with a wrong cue sheet fails once, with the line that is wrong', async () => {
    const cues = await services.client.upload(Buffer.from('{\n"format": "soundstage-cues",\n"version": NaN}'));
    const job = await services.client.untilEnded((await create({ cues, sound: '' })).id);
    expect(job).toMatchObject({ state: JobState.FAILED, attempt: 1, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toContain('Line 3:');
  });

  test.each([
    [{ candidates: 9 }, 'candidates'],
    [{ stillDurationS: -1 }, 'still_duration_s'],
    [{ mute: ['zyzzyx'] }, 'mute'],
  ])('is refused at once for %o', async (over, field) => {
    await expect(create(over)).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      violations: [expect.objectContaining({ field: expect.stringContaining(field) })],
    });
  });

  test('is not worked on twice: the same request is the same job, and the same work is found done', async () => {
    const first = await create({}, 'once');
    expect((await create({}, 'once')).id).toBe(first.id);
    const again = await create();
    const started = Date.now();
    const job = await services.client.untilEnded(again.id);
    expect(job.state).toBe(JobState.SUCCEEDED);
    expect(Date.now() - started).toBeLessThan(2000);
    await expect(create({ seed: 2n }, 'once')).rejects.toMatchObject({ reason: 'ALREADY_EXISTS' });
  }, 60_000);

  test('with a sound that nobody knows is refused at once, with the sounds that there are', async () => {
    await expect(create({ sound: 'xyzzy' })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining('wood'),
      violations: [expect.objectContaining({ field: expect.stringContaining('sound') })],
    });
  });

  test('that is not in the store, or is another one, is refused at once', async () => {
    const other = { ...video, sha256: '0'.repeat(64) };
    await expect(create({ video: other })).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    await expect(create({ video: { ...video, key: 'media/none' } })).rejects.toMatchObject({ reason: 'BAD_INPUT' });
  });

  test('that is no video fails once, with a sentence that names it', async () => {
    const text = await services.client.upload(Buffer.from('Dear diary, today I am a film.\n'.repeat(50)), 'video/mp4');
    const job = await services.client.untilEnded((await create({ video: text, fileName: 'diary.mp4' })).id);
    expect(job).toMatchObject({ state: JobState.FAILED, attempt: 1, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toContain('diary.mp4');
  });

  test('can be cancelled while it is worked on, and nothing goes on running', async () => {
    const long = makeVideo(join(home.path, 'long.mp4'), ...bouncingBox({ durationS: 60 }), ...H264);
    const job = await create({ video: await services.client.upload(long), sound: '' });
    await services.client.waitFor(job.id, ({ state }) => state === JobState.RUNNING);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await services.client.cancelJob(job.id);
    const ended = await services.client.untilEnded(job.id, 5000);
    expect(ended.state).toBe(JobState.CANCELLED);
    expect(runningProcesses()).toBe(0);
    expect(await readdir(join(home.path, 'scratch', 'foley'))).toEqual([]);
  }, 60_000);
});

describe('a service that is killed while it works', () => {
  longTest(
    'loses nothing: after its return the job is done, once',
    async () => {
      const folder = await temporaryFolder();
      const main = new URL('./main.js', import.meta.url).pathname;
      const env = { SOUNDSTAGE_HOME: folder.path };
      const first = await startServiceProcess(main, env);
      let client = createTestClient(first.address);
      const object = await client.upload(
        makeVideo(join(folder.path, 'v.mp4'), ...bouncingBox({ durationS: 20 }), ...H264),
      );
      const spec = FoleySpec.fromPartial({ video: object, sound: 'wood', seed: 1n });
      const { job } = await client.call(InferenceServiceService.createFoley, { requestId: 'kill', spec });
      await client.waitFor(job!.id, ({ state }) => state === JobState.RUNNING);
      await first.stop('SIGKILL');
      client.close();

      const second = await startServiceProcess(main, env);
      client = createTestClient(second.address);
      const ended = await client.untilEnded(job!.id, 60_000);
      expect(ended.state).toBe(JobState.SUCCEEDED);
      expect(ended.attempt).toBe(1);
      expect(
        (await client.call(JobServiceService.listJobs, { kind: '', pageSize: 10, pageToken: '' })).jobs,
      ).toHaveLength(1);
      client.close();
      expect(await second.stop('SIGTERM')).toBe(0);
      expect(await readdir(join(folder.path, 'scratch', 'foley'))).toEqual([]);
      await folder.remove();
    },
    120_000,
  );
});
