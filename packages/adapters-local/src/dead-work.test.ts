import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FoleyResult, FoleySpec, JobState } from '@soundstage/contracts';
import {
  commonConfig,
  createLogger,
  createPlatform,
  readConfig,
  startWorker,
  type Queue,
  type Stage,
} from '@soundstage/core';
import { createLocalAdapters } from './index.js';
import { createSqliteQueue } from './queue/sqlite-queue.js';

let home: string;
beforeAll(async () => (home = await mkdtemp(join(tmpdir(), 'dead-work-'))));
afterAll(() => rm(home, { recursive: true, force: true }));

const stage: Stage<FoleySpec, 'foley'> = {
  kind: 'foley',
  codeVersion: '1',
  steps: [],
  spec: FoleySpec,
  result: FoleyResult,
  check: () => undefined,
  inputs: () => [],
  run: () => Promise.reject(new Error('nothing is left to be done')),
};

function openPlatform(folder: string, maxDeliveries?: number) {
  const queue = createSqliteQueue({ file: join(folder, 'queue.sqlite'), ...(maxDeliveries && { maxDeliveries }) });
  const config = readConfig(commonConfig, { SOUNDSTAGE_HOME: folder });
  const log = createLogger({ service: 'test', level: 'silent' });
  return { queue, platform: createPlatform({ ...createLocalAdapters(folder), queue }, config, log) };
}

/** Leases end without an answer, as when their process was killed. */
async function die(queue: Queue, times: number): Promise<void> {
  for (let death = 0; death < times; death++) {
    await queue.pull('foley', { max: 1, leaseMs: 5 });
    await sleep(20);
  }
}

test('a job whose every worker died ends as failed, with the reason', async () => {
  const { queue, platform } = openPlatform(join(home, 'dead'), 2);
  const { id } = await platform.jobs.create({ kind: 'foley', spec: {} });
  await platform.jobs.update(id, (job) => void (job.state = JobState.RUNNING));
  await die(queue, 3);
  const worker = startWorker(stage, platform, { concurrency: 1, workTimeoutS: 10 });
  let last;
  for await (const job of platform.jobs.watch(id)) last = job;
  await worker.drain(0);
  await queue.close();
  expect(last).toMatchObject({
    state: JobState.FAILED,
    error: { reason: 'INTERNAL', message: expect.stringContaining('each time its lease ended') },
  });
}, 20_000);

test('a job whose workers died again and again is done alone, so that no other dies with it', async () => {
  const { queue, platform } = openPlatform(join(home, 'alone'));
  const create = (sound: string) => platform.jobs.create({ kind: 'foley', spec: { sound } });
  const killer = await create('killer');
  await die(queue, 3);
  const others = await Promise.all(['a', 'b', 'c', 'd'].map(create));
  const running = new Set<string>();
  const beside = new Map<string, string[]>();
  const run: typeof stage.run = async ({ sound }) => {
    for (const other of running) beside.set(other, [...(beside.get(other) ?? []), sound]);
    beside.set(sound, [...running]);
    running.add(sound);
    await sleep(150);
    running.delete(sound);
    return FoleyResult.create();
  };
  const worker = startWorker({ ...stage, run }, platform, { concurrency: 2, workTimeoutS: 10 });
  for (const { id } of [killer, ...others]) {
    let state;
    for await (const job of platform.jobs.watch(id)) state = job.state;
    expect(state).toBe(JobState.SUCCEEDED);
  }
  await worker.drain(0);
  await queue.close();
  expect(beside.get('killer')).toEqual([]);
  expect([...beside.values()].flat()).not.toEqual([]); // the others ran side by side
}, 20_000);
