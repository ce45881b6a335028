import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  CreateFoleyRequest,
  FoleyEngine,
  FoleySpec,
  InferenceServiceService,
  JobState,
  type ObjectRef,
} from '@soundstage/contracts';
import { storeBytes } from '@soundstage/core';
import { longTests, longTest } from '@soundstage/core/contract-tests';
import { startTestServices, temporaryFolder, withEnvironment, type TestServices } from '@soundstage/core/testing';
import { findModelFolder, listRegistered, promoteModel, registerModel, rollbackModel } from '@soundstage/models';
import { createInference } from './index.js';
import { heard, strengthAt } from './testing/hearing.js';
import { pitchOf, regnetModels, standIn } from './testing/regnet-models.js';
import { H264, makeVideo } from './testing/silent-video.js';

const PROMOTIONS = longTests ? 20 : 6;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let video: ObjectRef;

beforeAll(async () => {
  home = await temporaryFolder();
  const models = await regnetModels(join(home.path, 'models-that-ship'), { regnet: 1, vocoder: 1 });
  const environment = { SOUNDSTAGE_MODELS_DIR: models, SOUNDSTAGE_MODEL_POLL_S: '0.1', SOUNDSTAGE_MODEL_THREADS: '1' };
  services = await withEnvironment(environment, () =>
    startTestServices(createLocalAdapters, [createInference], home.path, { SOUNDSTAGE_CONCURRENCY: 2 }),
  );
  const grey = ['-f', 'lavfi', '-i', 'color=c=gray:s=64x48:r=25:d=0.5'];
  video = await services.client.upload(makeVideo(join(home.path, 'grey.mp4'), ...grey, ...H264), 'video/mp4');
  for (const version of [2, 3, 4]) await register('regnet', version);
}, 120_000);
afterAll(async () => {
  await services?.drain();
  await home.remove();
}, 30_000);

/** Registers a stand-in, or the model of a folder, which gets the next version from 2 on. */
async function register(name: string, from: number | string, runId = `${name}-${from}`): Promise<ObjectRef> {
  const { store } = services.platform;
  const folder = typeof from === 'string' ? from : standIn(name, from);
  const bytes = await readFile(join(folder, 'model.onnx'));
  const model = await storeBytes(store, bytes, `made/${runId}`, 'application/onnx');
  const card = JSON.parse(await readFile(join(folder, 'card.json'), 'utf8')) as object;
  await registerModel(store, { name, model, card, metrics: [], runId, above: 1 });
  return model;
}

async function loadedVersion(name: string): Promise<string | undefined> {
  const { models } = await services.client.call(InferenceServiceService.listLoadedModels, {});
  return models.find((model) => model.name === name)?.version;
}

async function untilLoaded(name: string, version: string): Promise<void> {
  for (let tries = 0; (await loadedVersion(name)) !== version; tries++) {
    if (tries > 1000) throw new Error(`${name} ${version} is not taken; loaded is ${await loadedVersion(name)}.`);
    await sleep(30);
  }
}

let seeds = 0n;
async function begin(spec: Partial<FoleySpec> = {}): Promise<string> {
  const request = CreateFoleyRequest.fromPartial({
    spec: FoleySpec.fromPartial({ video, engine: FoleyEngine.REGNET, seed: ++seeds, fileName: 'grey.mp4', ...spec }),
  });
  return (await services.client.call(InferenceServiceService.createFoley, request)).job!.id;
}

/** Which version of regnet a finished job says it ran, and those that are heard in it. */
async function versionsIn(jobId: string): Promise<{ said: string | undefined; heardIn: string[] }> {
  const { candidates, models } = await services.client.resultOf(jobId, 'foley');
  const file = join(home.path, `${jobId}.mp4`);
  await writeFile(file, await services.client.download(candidates[0]!.video!.key));
  const pcm = await heard(file);
  const strengths = [1, 2, 3].map((version) => strengthAt(pitchOf(version), pcm.subarray(2000, pcm.length - 4000)));
  const most = Math.max(...strengths);
  return {
    said: models.find(({ name }) => name === 'regnet')?.version,
    heardIn: [1, 2, 3].filter((_, i) => strengths[i]! > most / 20).map(String),
  };
}

/** Model processes of this process. */
function modelProcesses(): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
      return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker-main');
    } catch {
      return false; // it ended meanwhile
    }
  }).length;
}

describe('a model that is promoted while jobs go on', () => {
  test(`is taken without a restart: of ${PROMOTIONS} promotions no job is lost, each is wholly of one version, and no process stays behind`, async () => {
    const { store } = services.platform;
    const before = modelProcesses();
    const jobs: string[] = [await begin()];
    for (let n = 0; n < PROMOTIONS; n++) {
      const version = String(2 + (n % 2));
      await promoteModel(store, 'regnet', version);
      if (n % 4 === 0) jobs.push(await begin());
      await untilLoaded('regnet', version);
    }
    for (const id of jobs) expect(await services.client.untilEnded(id, 60_000)).toMatchObject({ state: JobState.SUCCEEDED, attempt: 1 }); // prettier-ignore
    const versions = [];
    for (const id of jobs) versions.push(await versionsIn(id));
    for (const { said, heardIn } of versions) expect(heardIn).toEqual([said]);
    expect(new Set(versions.map(({ said }) => said)).size).toBeGreaterThan(1);
    expect(modelProcesses()).toBe(before);
  }, 120_000);

  longTest(
    'changes the key of the result: the same video and seed give another sound, and after a rollback the one before',
    async () => {
      await promoteModel(services.platform.store, 'regnet', '2');
      await untilLoaded('regnet', '2');
      const second = await versionsIn(await begin({ seed: 1000n }));
      await promoteModel(services.platform.store, 'regnet', '3');
      await untilLoaded('regnet', '3');
      expect(await versionsIn(await begin({ seed: 1000n }))).toEqual({ said: '3', heardIn: ['3'] });
      await rollbackModel(services.platform.store, 'regnet');
      await untilLoaded('regnet', '2');
      expect(await versionsIn(await begin({ seed: 1000n }))).toEqual(second);
      expect(second).toEqual({ said: '2', heardIn: ['2'] });
    },
    120_000,
  );

  test('is not taken when it is unfit or its file was changed: the one before goes on working', async () => {
    const { store } = services.platform;
    const before = (await loadedVersion('regnet'))!;
    await promoteModel(store, 'regnet', '4'); // gives 40 bands
    await sleep(1000);
    expect(await loadedVersion('regnet')).toBe(before);

    // It says what is seen, and nobody could say the names of that: labels.json is missing.
    await register('classifier', 1);
    await promoteModel(store, 'classifier', '2');

    const { key } = await register('vocoder', 1, 'spoilt');
    const objects = join(home.path, 'store', 'objects');
    const stored = (await readdir(objects, { recursive: true })).find((name) => name.includes(basename(key)))!;
    const bytes = await readFile(join(objects, stored));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(join(objects, stored), bytes);
    await promoteModel(store, 'vocoder', '2');
    await sleep(1000);
    expect(await loadedVersion('vocoder')).toBe('1');
    expect(await loadedVersion('classifier')).toBe('1');
    expect(await versionsIn(await begin())).toEqual({ said: before, heardIn: [before] });
  }, 60_000);
});

describe('the models of the engine palette', () => {
  test('are exchanged in the same way, and go back to the one that ships', async () => {
    const { store } = services.platform;
    const shipped = await findModelFolder(join(home.path, 'models-that-ship'), 'onset');
    const before = (await loadedVersion('onset'))!;
    await register('onset', shipped, 'another-training');
    const { version } = (await listRegistered(store, 'onset'))[0]!;
    await promoteModel(store, 'onset', version);
    await untilLoaded('onset', version);
    const job = await services.client.resultOf(
      await begin({ engine: FoleyEngine.PALETTE, sound: 'wood', onlyCues: true }),
      'foley',
    );
    expect(job.models).toContainEqual({ name: 'onset', version });
    await rollbackModel(store, 'onset');
    await untilLoaded('onset', before);
  }, 60_000);
});

describe('a request for the engine regnet', () => {
  test.each<[string, Partial<FoleySpec>]>([
    ['a sound', { sound: 'wood' }],
    ['muted classes', { mute: ['music'] }],
    ['a cue sheet alone', { onlyCues: true }],
    ['a length for a still image', { stillDurationS: 5 }],
  ])('is refused with %s', async (_, spec) => {
    await expect(begin(spec)).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining('regnet'),
    });
  });
});
