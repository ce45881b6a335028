import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FoleyResult, FoleySpec, JobState } from '@soundstage/contracts';
import {
  commonConfig,
  createLogger,
  createPlatform,
  readConfig,
  SoundstageError,
  startWorker,
  storeBytes,
  type AnyStage,
  type JobRunner,
  type Platform,
} from '@soundstage/core';
import { createGcsObjectStore } from './objects/gcs-object-store.js';
import { createPubSubQueue } from './queue/pubsub-queue.js';
import { gcsServer, startGcsServer, type GcsTestServer } from './testing/gcs-server.js';
import { pubsubEmulator, startPubSubEmulator } from './testing/pubsub-emulator.js';
import type { TestServer } from './testing/servers.js';

const possible = gcsServer !== undefined && pubsubEmulator !== undefined;
if (!possible) console.log('2 tests of work on Google’s engines are skipped: the emulator or its fellow isn’t there');

(possible ? describe : describe.skip)('Work on Google’s engines', () => {
  let emulator: TestServer;
  let server: GcsTestServer;
  let home: string;
  const platforms: Platform[] = [];
  beforeAll(async () => {
    [emulator, server] = await Promise.all([startPubSubEmulator(), startGcsServer()]);
    home = mkdtempSync(join(tmpdir(), 'soundstage-google-'));
  });
  afterAll(async () => {
    await Promise.all(platforms.map(({ queue }) => queue.close()));
    await Promise.all([emulator.kill(), server.kill()]);
    rmSync(home, { recursive: true });
  });

  /** What one process would have. */
  function newPlatform(prefix: string): Platform {
    const adapters = {
      queue: createPubSubQueue({ projectId: 'work', endpoint: emulator.address, prefix }),
      store: createGcsObjectStore({ endpoint: server.url, bucket: server.bucket }),
      // No stage here runs programs.
      runner: {} as JobRunner,
    };
    const config = { ...readConfig(commonConfig, {}), SOUNDSTAGE_HOME: home };
    const platform = createPlatform(adapters, config, createLogger({ service: 'test', level: 'silent' }));
    platforms.push(platform);
    return platform;
  }

  /** A stage that takes a moment, and stores what it made under the work's own key. */
  function slowStage(workMs: number, runs: string[], fails: (jobId: string) => boolean = () => false): AnyStage {
    return {
      kind: 'foley',
      codeVersion: '1',
      steps: [{ name: 'make', share: 1 }],
      spec: FoleySpec,
      result: FoleyResult,
      check: () => undefined,
      inputs: () => [],
      belongsToJob: () => true,
      async run(_, { jobId, store, outputPrefix, signal }) {
        runs.push(jobId);
        await sleep(workMs, undefined, { signal });
        if (fails(jobId)) throw new SoundstageError('UNAVAILABLE', 'The model is being exchanged.');
        await storeBytes(store, Buffer.from(jobId), `${outputPrefix}/sound.wav`, 'audio/wav');
        return FoleyResult.fromPartial({});
      },
    };
  }

  async function ended(platform: Platform, ids: readonly string[]): Promise<JobState[]> {
    for (const endMs = Date.now() + 60_000; ;) {
      const states = await Promise.all(ids.map(async (id) => (await platform.jobs.get(id)).state));
      const done = states.every((state) => state === JobState.SUCCEEDED || state === JobState.FAILED);
      if (done || Date.now() > endMs) return states;
      await sleep(100);
    }
  }

  test('a message that comes several times gives its job one result, and its copies go away', async () => {
    const prefix = 'twice-';
    const [one, two] = [newPlatform(prefix), newPlatform(prefix)];
    const runs: string[] = [];
    const ids: string[] = [];
    for (let seed = 1; seed <= 4; seed++) {
      const job = await one.jobs.create({ kind: 'foley', spec: FoleySpec.toJSON(FoleySpec.fromPartial({})) });
      ids.push(job.id);
      // As Pub/Sub may, and as a publisher does whose answer was lost.
      await one.queue.publish('foley', [
        { body: JSON.stringify({ jobId: job.id }) },
        { body: JSON.stringify({ jobId: job.id }) },
      ]);
    }
    const workers = [one, two].map((platform) =>
      startWorker(slowStage(50, runs), platform, { concurrency: 2, workTimeoutS: 60, leaseMs: 5000 }),
    );
    expect(await ended(one, ids)).toEqual(ids.map(() => JobState.SUCCEEDED));
    // The copies come and go, too.
    for (const endMs = Date.now() + 1500; Date.now() < endMs;) await sleep(100);
    await Promise.all(workers.map((worker) => worker.drain(1000)));
    expect(await one.queue.pull('foley', { max: 10, leaseMs: 1000, waitMs: 1500 })).toEqual([]);
    expect(await one.queue.deadLetters('foley')).toEqual([]);
    const made = (await one.store.list('work/foley/')).map(({ key }) => key.split('/').at(-1));
    expect(made.filter((name) => name === 'manifest.json')).toHaveLength(ids.length);
    expect(made.filter((name) => name === 'sound.wav')).toHaveLength(ids.length);
    expect(new Set(runs)).toEqual(new Set(ids));
  }, 90_000);

  test('a failed attempt is tried again, and one that was interrupted costs none', async () => {
    const prefix = 'again-';
    const platform = newPlatform(prefix);
    const runs: string[] = [];
    const { id } = await platform.jobs.create({ kind: 'foley', spec: FoleySpec.toJSON(FoleySpec.fromPartial({})) });
    const options = { concurrency: 1, workTimeoutS: 60, leaseMs: 5000 };
    // Drained in the middle of its work: put back, unspent.
    const first = startWorker(slowStage(60_000, runs), platform, options);
    while (runs.length === 0) await sleep(50);
    await first.drain(0);
    const second = startWorker(
      slowStage(10, runs, () => runs.length === 2),
      platform,
      options,
    );
    expect(await ended(platform, [id])).toEqual([JobState.SUCCEEDED]);
    await second.drain(1000);
    expect(runs).toHaveLength(3);
    expect((await platform.jobs.get(id)).attempt).toBe(2);
  }, 90_000);
});
