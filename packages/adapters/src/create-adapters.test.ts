import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAdapterChoice } from './config.js';
import { createAdapters } from './create-adapters.js';
import { prepareQueues } from './prepare-queues.js';

describe('The choice of engines', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'soundstage-adapters-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  test('falls on those of one machine where nothing is said', async () => {
    expect(readAdapterChoice({})).toMatchObject({ queue: 'sqlite', store: 'folder', runner: 'process' });
    const { queue, store } = await createAdapters(home, {});
    await queue.publish('work', [{ body: '{}' }]);
    await store.put('a', Buffer.from('x'));
    expect(await queue.stats('work')).toMatchObject({ ready: 1 });
    await queue.close();
    expect(readdirSync(home)).toEqual(expect.arrayContaining(['queue.sqlite', 'store']));
  });

  test('takes Google’s with one variable, and each by itself with another', () => {
    const gcp = { SOUNDSTAGE_BACKEND: 'gcp', SOUNDSTAGE_BUCKET: 'clips', GOOGLE_CLOUD_PROJECT: 'stage' };
    expect(readAdapterChoice(gcp)).toMatchObject({
      queue: 'pubsub',
      store: 'gcs',
      runner: 'kubernetes',
      pubsub: { projectId: 'stage', endpoint: undefined, prefix: 'soundstage-' },
      gcs: { bucket: 'clips', endpoint: undefined },
    });
    expect(readAdapterChoice({ ...gcp, SOUNDSTAGE_STORE: 'folder' })).toMatchObject({
      queue: 'pubsub',
      store: 'folder',
    });
    expect(readAdapterChoice({ SOUNDSTAGE_QUEUE: 'pubsub' })).toMatchObject({ queue: 'pubsub', store: 'folder' });
    expect(readAdapterChoice({ SOUNDSTAGE_STORE: 'gcs', SOUNDSTAGE_BUCKET: 'clips' })).toMatchObject({
      queue: 'sqlite',
      store: 'gcs',
      runner: 'process',
    });
    expect(readAdapterChoice({ ...gcp, SOUNDSTAGE_RUNNER: 'process' })).toMatchObject({ runner: 'process' });
  });

  test('takes what runs on Kubernetes need, where the chart leaves empty what it doesn’t set, too', () => {
    const { runner, kubernetes } = readAdapterChoice({
      SOUNDSTAGE_RUNNER: 'kubernetes',
      SOUNDSTAGE_RUNNER_IMAGE: 'europe-docker.pkg.dev/stage/soundstage/soundstage-trainer:1.2',
      SOUNDSTAGE_RUNNER_NAMESPACE: 'soundstage',
      SOUNDSTAGE_RUNNER_VOLUME: 'soundstage-runs',
      SOUNDSTAGE_RUNNER_CPU: '3500m',
      SOUNDSTAGE_RUNNER_MEMORY: '12Gi',
      SOUNDSTAGE_RUNNER_SPOT: 'true',
      SOUNDSTAGE_RUNNER_TTL_S: '3600',
      SOUNDSTAGE_RUNNER_QUEUE: '',
    });
    expect(runner).toBe('kubernetes');
    expect(kubernetes).toMatchObject({
      namespace: 'soundstage',
      volume: { claim: 'soundstage-runs', path: undefined },
      cpu: '3500m',
      spot: true,
      ttlS: 3600,
      queue: undefined,
    });
  });

  test('asks for a cluster and an image when a run is started, not of services that start none', async () => {
    const gcp = { SOUNDSTAGE_BACKEND: 'gcp', SOUNDSTAGE_QUEUE: 'sqlite', SOUNDSTAGE_STORE: 'folder' };
    const { runner, queue } = await createAdapters(home, gcp);
    await expect(runner.start({ name: 'a', command: 'x', args: [] })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      violations: [{ field: 'SOUNDSTAGE_RUNNER_IMAGE' }],
    });
    await queue.close();
  });

  test('refuses what can’t be, and names the variable', () => {
    const refusal = (env: Record<string, string>) => {
      try {
        readAdapterChoice(env);
      } catch (thrown) {
        return (thrown as Error).message;
      }
      return '';
    };
    expect(refusal({ SOUNDSTAGE_BACKEND: 'aws' })).toContain('SOUNDSTAGE_BACKEND');
    expect(refusal({ SOUNDSTAGE_BACKEND: 'gcp' })).toContain('SOUNDSTAGE_BUCKET');
    expect(refusal({ SOUNDSTAGE_STORE: 'gcs', SOUNDSTAGE_BUCKET: 'gs://clips' })).toContain('without gs://');
    expect(refusal({ SOUNDSTAGE_QUEUE_PREFIX: 'google-' })).toContain('SOUNDSTAGE_QUEUE_PREFIX');
    expect(refusal({ SOUNDSTAGE_RUNNER: 'kubernetes' })).toContain('SOUNDSTAGE_RUNNER_IMAGE');
    for (const [variable, value] of [
      ['NAMESPACE', 'Sound Stage'],
      ['IMAGE', 'a b'],
      ['SERVICE_ACCOUNT', 'A'],
      ['VOLUME', '/runs'],
      ['VOLUME_PATH', 'runs'],
      ['CPU', 'many'],
      ['MEMORY', '8 GB'],
      ['GPU_TYPE', 'a/b'],
      ['GPU_DRIVER', '550'],
      ['SPOT', 'yes'],
      ['TTL_S', '-1'],
      ['PRIORITY_CLASS', 'High!'],
      ['QUEUE', 'a.b'],
    ] as const) {
      const name = `SOUNDSTAGE_RUNNER_${variable}`;
      expect(refusal({ SOUNDSTAGE_RUNNER: 'process', [name]: value })).toContain(name);
    }
    const both = refusal({ SOUNDSTAGE_QUEUE: 'kafka', SOUNDSTAGE_STORE: 's3' });
    expect(both).toContain('SOUNDSTAGE_QUEUE');
    expect(both).toContain('SOUNDSTAGE_STORE');
  });

  test('opens a queue of this machine to prepare it, which is all that it needs', async () => {
    expect(await prepareQueues(home, ['work', 'other'], {})).toEqual([
      { name: 'work', did: 'nothing' },
      { name: 'other', did: 'nothing' },
    ]);
    await expect(prepareQueues(home, ['x'], {})).rejects.toMatchObject({ reason: 'BAD_INPUT' });
  });
});
