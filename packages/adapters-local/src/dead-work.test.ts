import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FoleyResult, FoleySpec, JobState } from '@soundstage/contracts';
import { commonConfig, createLogger, createPlatform, readConfig, startWorker, type Stage } from '@soundstage/core';
import { createLocalAdapters } from './index.js';
import { createSqliteQueue } from './queue/sqlite-queue.js';

let home: string;
beforeAll(async () => (home = await mkdtemp(join(tmpdir(), 'dead-work-'))));
afterAll(() => rm(home, { recursive: true, force: true }));

test('a job whose every worker died ends as failed, with the reason', async () => {
  const queue = createSqliteQueue({ file: join(home, 'queue.sqlite'), maxDeliveries: 2 });
  const config = readConfig(commonConfig, { SOUNDSTAGE_HOME: home });
  const log = createLogger({ service: 'test', level: 'silent' });
  const platform = createPlatform({ ...createLocalAdapters(home), queue }, config, log);
  const { id } = await platform.jobs.create({ kind: 'foley', spec: {} });
  await platform.jobs.update(id, (job) => void (job.state = JobState.RUNNING));
  for (let death = 0; death < 3; death++) {
    await queue.pull('foley', { max: 1, leaseMs: 5 });
    await sleep(20);
  }
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
