import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { createAdapters, createQueue, readAdapterChoice } from '@soundstage/adapters';
import { pubsubEmulator, startPubSubEmulator } from '@soundstage/adapters-gcp/testing';
import { JobState } from '@soundstage/contracts';
import { createJobStore, type Queue } from '@soundstage/core';
import { longTest } from '@soundstage/core/contract-tests';
import { testFolder, type TestFolder } from '../testing/run-cli.js';

let folder: TestFolder;
beforeAll(() => {
  folder = testFolder();
});
afterAll(() => folder.remove());

/** Buries messages, as a worker does with work that can't be done. */
async function bury(queue: Queue, topic: string, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) {
    await queue.publish(topic, [{ body }]);
    const [delivery] = await queue.pull(topic, { max: 1, leaseMs: 10_000, waitMs: 10_000 });
    await delivery!.deadLetter(`no picture in ${body}`);
  }
  await queue.close();
}

describe('soundstage queue', () => {
  test('shows what waits in the queue of this machine, and puts dead letters back', async () => {
    const home = folder.path('home');
    mkdirSync(home, { recursive: true });
    await bury(await createQueue(home, readAdapterChoice({})), 'foley', ['{"n":1}', '{"n":2}']);
    const init = await folder.soundstage(['queue', 'init']);
    expect(init).toMatchObject({ code: 0, stderr: '' });
    expect(init.stdout).toMatch(/^foley +as it should be$/m);

    const dead = await folder.soundstage(['queue', 'list', 'foley', '--dead']);
    expect(dead.stdout).toMatch(/foley .*\{"n":1\} +no picture in \{"n":1\}/);
    expect(await folder.soundstage(['queue', 'replay', 'foley', '--limit', '1'])).toMatchObject({
      code: 0,
      stdout: '1 of foley put back\n',
    });
    const queue = await createQueue(home, readAdapterChoice({}));
    expect(await queue.stats('foley')).toMatchObject({ ready: 1, dead: 1 });
    await queue.close();
  });

  test('gives the failed job of a dead letter another chance, with its attempts at zero', async () => {
    const home = folder.path('home');
    mkdirSync(home, { recursive: true });
    const { queue, store } = await createAdapters(home, {});
    const jobs = createJobStore(store, queue);
    const { id } = await jobs.create({ kind: 'split', spec: {} });
    const [delivery] = await queue.pull('split', { max: 1, leaseMs: 10_000 });
    await jobs.update(id, (job) => {
      Object.assign(job, { state: JobState.FAILED, attempt: 5, error: { reason: 'UNAVAILABLE', message: 'away' } });
    });
    await delivery!.deadLetter('UNAVAILABLE: away');
    expect((await folder.soundstage(['queue', 'replay', 'split'])).stdout).toBe('1 of split put back\n');
    expect(await jobs.get(id)).toMatchObject({ state: JobState.QUEUED, attempt: 0, error: undefined });
    expect(await queue.stats('split')).toMatchObject({ dead: 0, leased: 0 });
    expect((await queue.stats('split')).ready).toBeGreaterThan(0);
    await queue.close();
  });

  test('refuses queues and limits that can’t be', async () => {
    expect(await folder.soundstage(['queue', 'replay', 'foley', '--limit', '0'])).toMatchObject({ code: 2 });
    const kafka = await folder.soundstage(['queue', 'list'], { env: { SOUNDSTAGE_QUEUE: 'kafka' } });
    expect(kafka).toMatchObject({ code: 2 });
    expect(kafka.stderr).toContain('SOUNDSTAGE_QUEUE');
  });

  if (!pubsubEmulator) console.log('1 test of soundstage queue is skipped: the Pub/Sub emulator isn’t installed');
  (pubsubEmulator ? longTest : test.skip)(
    'makes the topics in Google Pub/Sub, and puts dead letters back there',
    async () => {
      const emulator = await startPubSubEmulator();
      const env = {
        SOUNDSTAGE_QUEUE: 'pubsub',
        GOOGLE_CLOUD_PROJECT: 'stage',
        PUBSUB_EMULATOR_HOST: emulator.address,
      };
      try {
        const made = await folder.soundstage(['queue', 'init', 'foley'], { env });
        expect(made).toMatchObject({ code: 0, stderr: '' });
        expect(made.stdout).toMatch(/^projects\/stage\/subscriptions\/soundstage-foley +made$/m);
        await bury(await createQueue('', readAdapterChoice(env)), 'foley', ['{"n":1}']);
        const list = await folder.soundstage(['queue', 'list', 'foley'], { env });
        expect(list).toMatchObject({ code: 0, stderr: expect.stringContaining('keeps no counts') });
        expect(await folder.soundstage(['queue', 'replay', 'foley'], { env })).toMatchObject({
          code: 0,
          stdout: '1 of foley put back\n',
        });
      } finally {
        await emulator.kill();
      }
    },
    60_000,
  );
});
