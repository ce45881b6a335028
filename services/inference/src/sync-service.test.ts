import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  CreateSyncRequest,
  InferenceServiceService,
  JobServiceService,
  JobState,
  SyncSpec,
  SyncVerdict,
  type SyncResult,
} from '@soundstage/contracts';
import { storeBytes } from '@soundstage/core';
import {
  startTestServices,
  temporaryFolder,
  until,
  withEnvironment,
  type TestServices,
} from '@soundstage/core/testing';
import { hashVideoPackets, probe } from '@soundstage/media';
import { promoteModel, registerModel } from '@soundstage/models';
import { createInferenceWith } from './index.js';
import type { MeterOf } from './jobs/sync/open-sync.js';
import { clicks, flashes } from './testing/flash-clip.js';
import { flashMeterOf } from './testing/flash-meter.js';
import { standIn } from './testing/regnet-models.js';
import { H264, makeVideo } from './testing/silent-video.js';

const SHIPPED = fileURLToPath(new URL('../../../models/', import.meta.url));
const SYNC = ['face', 'lips', 'mel_16k', 'speech', 'sync'];
const AAC = ['-c:a', 'aac', '-b:a', '96k'];

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;

/** Says of a file whose name begins with `misread` the opposite of what it measures. */
const meterOf: MeterOf = (models) => {
  const meter = flashMeterOf(models);
  return {
    ...meter,
    async measure(path, options) {
      const said = await meter.measure(path, options);
      if (!basename(path).startsWith('misread')) return said;
      const turned = said.segments.map((segment) => ({ ...segment, offsetMs: -segment.offsetMs }));
      return { ...said, offsetMs: -said.offsetMs!, segments: turned };
    },
  };
};

beforeAll(async () => {
  home = await temporaryFolder();
  const models = join(home.path, 'models-that-ship');
  await mkdir(models);
  for (const name of ['motion', 'onset', 'classifier', 'detector', 'face', 'lips', 'mel_16k', 'speech'])
    await symlink(join(SHIPPED, name), join(models, name));
  const environment = { SOUNDSTAGE_MODELS_DIR: models, SOUNDSTAGE_MODEL_POLL_S: '0.1', SOUNDSTAGE_MODEL_THREADS: '1' };
  services = await withEnvironment(environment, () =>
    startTestServices(createLocalAdapters, [createInferenceWith(meterOf)], home.path),
  );
}, 60_000);

afterAll(async () => {
  await services?.drain();
  await home.remove();
}, 30_000);

/** Registers and promotes a stand-in of `sync`. */
async function promoteSync(from: number): Promise<string> {
  const { store } = services.platform;
  const folder = standIn('sync', from);
  const card = JSON.parse(await readFile(join(folder, 'card.json'), 'utf8')) as object;
  const bytes = await readFile(join(folder, 'model.onnx'));
  const model = await storeBytes(store, bytes, `made/sync-${from}`, 'application/onnx');
  const { version } = await registerModel(store, { name: 'sync', model, card, metrics: [], runId: `sync-${from}` });
  await promoteModel(store, 'sync', version);
  return version;
}

async function loadedVersion(): Promise<string | undefined> {
  const { models } = await services.client.call(InferenceServiceService.listLoadedModels, {});
  return models.find(({ name }) => name === 'sync')?.version;
}

async function create(name: string, content: Buffer, spec: Partial<SyncSpec> = {}): Promise<string> {
  const video = await services.client.upload(content, 'video/mp4');
  const request = CreateSyncRequest.fromPartial({ spec: SyncSpec.fromPartial({ video, fileName: name, ...spec }) });
  return (await services.client.call(InferenceServiceService.createSync, request)).job!.id;
}

/** No two clicks of it belong to their flashes by the same offset. */
const apart = (flashS: number): number => (flashS < 1 ? 300 : flashS < 2 ? -100 : flashS < 3 ? 50 : -350);

const clip = (name: string, ...args: string[]): Buffer => makeVideo(join(home.path, name), ...args);
const result = async (name: string, content: Buffer, spec: Partial<SyncSpec> = {}): Promise<SyncResult> =>
  services.client.resultOf(await create(name, content, spec), 'sync');

describe('sync without its model', () => {
  test('is refused at once with what is missing, while foley is served', async () => {
    const content = clip('any.mp4', ...flashes(), ...clicks(0), ...H264, ...AAC);
    await expect(create('any.mp4', content)).rejects.toMatchObject({
      reason: 'NOT_FOUND',
      message: expect.stringContaining('no model sync'),
    });
    const { models } = await services.client.call(InferenceServiceService.listLoadedModels, {});
    expect(models.map(({ name }) => name)).toEqual(expect.arrayContaining(['classifier', 'onset']));
  });

  test('is there as soon as that is promoted, takes the next one too, and none that is unfit', async () => {
    expect(await loadedVersion()).toBeUndefined();
    for (const from of [1, 2]) {
      const version = await promoteSync(from);
      await until(async () => (await loadedVersion()) === version);
    }
    await promoteSync(3);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await loadedVersion()).toBe('2');
    const { models } = await services.client.call(InferenceServiceService.listLoadedModels, {});
    expect(models.map(({ name }) => name)).toEqual(expect.arrayContaining(SYNC));
  }, 30_000);
});

describe('a talking-face video over gRPC', () => {
  test('whose sound is late comes back in sync: the same picture, measured again, with report and evidence', async () => {
    const content = clip('late.mp4', ...flashes(), ...clicks(240), ...H264, ...AAC);
    const id = await create('late.mp4', content);
    const seen = await services.client.collect(JobServiceService.watchJob, { jobId: id });
    const last = seen.at(-1)!.job!;
    expect(last.state).toBe(JobState.SUCCEEDED);
    const steps = ['fetch', 'listen', 'look', 'compare', 'repair', 'prove', 'report', 'store'];
    expect(last.steps.map(({ name }) => name)).toEqual(steps);

    const said = await services.client.resultOf(id, 'sync');
    expect(said).toMatchObject({ verdict: SyncVerdict.OFFSET, warnings: [], durationS: 4 });
    expect(said.whatWasDone).toMatch(/^The sound was moved 2[34]\d ms earlier\.$/);
    expect(said.offsetMs).toBeCloseTo(240, -1);
    expect(said.after).toMatchObject({ verdict: SyncVerdict.IN_SYNC });
    expect(Math.abs(said.after!.offsetMs!)).toBeLessThan(10);
    expect(said.models.map(({ name }) => name)).toEqual(SYNC);

    const repaired = join(home.path, 'repaired.mp4');
    await writeFile(repaired, await services.client.download(said.video!.key));
    expect(await hashVideoPackets(repaired)).toBe(await hashVideoPackets(join(home.path, 'late.mp4')));
    expect((await probe(repaired)).audio?.codec).toBe('aac');

    const page = String(await services.client.download(said.report!.key));
    expect(page).toContain('late.mp4');
    const evidence = JSON.parse(String(await services.client.download(said.evidence!.key))) as {
      before: { verdict: string; evidence: { curve: number[] } };
      after: { verdict: string };
    };
    expect(evidence).toMatchObject({ before: { verdict: 'offset' }, after: { verdict: 'in_sync' } });
    expect(Math.max(...evidence.before.evidence.curve)).toBe(1);
    expect(await readdir(join(home.path, 'scratch', 'sync'))).toEqual([]);
  }, 60_000);

  test('that is only to be measured is only measured', async () => {
    const said = await result('late.mp4', await readFile(join(home.path, 'late.mp4')), { measureOnly: true });
    expect(said).toMatchObject({ verdict: SyncVerdict.OFFSET, video: undefined, after: undefined });
  }, 60_000);

  test('in sync is left alone', async () => {
    const said = await result('fine.mp4', await readFile(join(home.path, 'any.mp4')));
    expect(said).toMatchObject({ verdict: SyncVerdict.IN_SYNC, video: undefined, after: undefined, warnings: [] });
    expect(said.whatWasDone).toContain('nothing was altered');
  }, 60_000);

  test('of which nothing can be told is left alone, and the reason is told', async () => {
    const other = clip('other.mp4', ...flashes(), ...clicks(apart), ...H264, ...AAC);
    const said = await result('other.mp4', other);
    expect(said).toMatchObject({
      verdict: SyncVerdict.CANNOT_TELL,
      reason: 'no_agreement',
      offsetMs: undefined,
      segments: [],
      video: undefined,
      after: undefined,
    });
  }, 60_000);

  test('whose repair turns out worse is left alone: the repaired file is thrown away, and that is told', async () => {
    const said = await result('misread.mp4', await readFile(join(home.path, 'late.mp4')));
    expect(said).toMatchObject({ verdict: SyncVerdict.OFFSET, video: undefined });
    expect(said.offsetMs).toBeCloseTo(-240, -1);
    expect(said.after?.offsetMs).toBeCloseTo(480, -1);
    expect(said.warnings).toEqual([expect.stringContaining('thrown away')]);
  }, 60_000);

  test('that wanders is put right stretch by stretch', async () => {
    const args = [...flashes(), ...clicks((flashS) => (flashS < 2 ? 200 : -180)), ...H264, ...AAC];
    const said = await result('wanders.mp4', clip('wanders.mp4', ...args));
    expect(said.verdict).toBe(SyncVerdict.PIECEWISE);
    expect(said.segments.map(({ offsetMs }) => Math.round(offsetMs / 20) * 20)).toEqual([200, -180]);
    expect(said.after).toMatchObject({ verdict: SyncVerdict.IN_SYNC });
    expect(said.whatWasDone).toMatch(/ms earlier, then moved \d+ ms later\.$/);
    const repaired = join(home.path, 'wanders-repaired.mp4');
    await writeFile(repaired, await services.client.download(said.video!.key));
    expect(await hashVideoPackets(repaired)).toBe(await hashVideoPackets(join(home.path, 'wanders.mp4')));
  }, 60_000);

  test.each([
    ['has no sound', 'silent.mp4', () => [...flashes(), ...H264]],
    ['has no picture', 'voice.m4a', () => [...clicks(0), ...AAC]],
  ])('that %s is refused by its name', async (why, name, args) => {
    const job = await services.client.untilEnded(await create(name, clip(name, ...args())));
    expect(job).toMatchObject({ state: JobState.FAILED, attempt: 1, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toContain(`“${name}” ${why}`);
  });

  test.each([-1, 0.1, 5.1, NaN])('is refused at once for a range of %d s', async (rangeS) => {
    await expect(create('late.mp4', await readFile(join(home.path, 'late.mp4')), { rangeS })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      violations: [expect.objectContaining({ field: 'spec.range_s' })],
    });
  });
});
