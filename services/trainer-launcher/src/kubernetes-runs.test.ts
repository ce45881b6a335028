import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAdapters } from '@soundstage/adapters';
import { startKubernetesApi, type KubernetesApi } from '@soundstage/adapters-gcp/testing';
import { JobState, type Run } from '@soundstage/contracts';
import { createTestClient, startServiceProcess, temporaryFolder, until } from '@soundstage/core/testing';
import {
  getRun,
  HITS,
  launch,
  LAUNCHER_MAIN,
  parameters,
  startTestLauncher,
  testEnvironment,
  type TestLauncher,
} from './testing/launcher.js';

const STEPS = 40;

/** The number that the stand-in for the trainer comes to, step by step from its seed. */
function expectedValue(seed: number): number {
  let value = BigInt(seed);
  for (let step = 0; step < STEPS; step++) value = (value * 1103515245n + 12345n + BigInt(step)) % 2n ** 31n;
  return Number(value);
}

describe('a training run as a Kubernetes Job, with the trainer as a process in its pod,', () => {
  let api: KubernetesApi;
  let volume: { path: string; remove(): Promise<void> };
  let environment: Record<string, string>;
  let launcher: TestLauncher | undefined;
  beforeAll(async () => {
    api = await startKubernetesApi();
    volume = await temporaryFolder();
    const kubeconfig = join(volume.path, 'kubeconfig');
    await writeFile(kubeconfig, api.kubeconfig);
    environment = {
      SOUNDSTAGE_RUNNER: 'kubernetes',
      SOUNDSTAGE_RUNNER_IMAGE: 'soundstage-trainer',
      SOUNDSTAGE_RUNNER_VOLUME: 'soundstage-runs',
      SOUNDSTAGE_RUNNER_VOLUME_PATH: volume.path,
      KUBECONFIG: kubeconfig,
    };
    // Read when the first run is started.
    process.env.KUBECONFIG = kubeconfig;
  });
  afterAll(async () => {
    delete process.env.KUBECONFIG;
    await api.close();
    await volume.remove();
  });
  afterEach(async () => {
    await launcher?.close();
    launcher = undefined;
  });

  async function start(): Promise<TestLauncher> {
    launcher = await startTestLauncher(environment, (home) => createAdapters(home, { ...environment }));
    return launcher;
  }
  const jobs = () => api.objects.all('jobs').map(({ metadata }) => metadata.name);
  const valueOf = (run: Run) =>
    run.job?.result?.$case === 'training' && run.job.result.value.metrics.find(({ name }) => name === 'value')?.value;
  /** Waits for a checkpoint of the one run that goes on. */
  async function untilStep(step: number): Promise<void> {
    const root = join(volume.path, 'training-runs');
    await until(async () => {
      const [name = ''] = await readdir(root).catch(() => []);
      const text = await readFile(join(root, name, 'checkpoints', 'state.json'), 'utf8').catch(() => '{}');
      return (JSON.parse(text) as { step?: number }).step! >= step;
    });
  }

  test('reads its data from the volume and writes its model there, and both are gone at the end', async () => {
    const { client } = await start();
    const { id } = await launch(client, { recipe: 'quick', ...HITS, seed: 3n, ...parameters({ epochs: 20 }) });
    const { metrics } = await client.resultOf(id, 'training');
    expect(metrics.map(({ name }) => name)).toEqual(['loss', 'value']);
    const run = await getRun(client, id);
    expect(run).toMatchObject({ facts: { codeVersion: 'stand-in' }, curves: [{ steps: { length: 20 } }, {}] });
    await until(async () => (await readdir(join(volume.path, 'training-runs'))).length === 0);
    expect(jobs()).toEqual([]);
  });

  test('asks for a GPU where it is told to train on one', async () => {
    const { client } = await start();
    const { id } = await launch(client, { recipe: 'slow', ...parameters({ device: 'cuda' }) });
    await until(() => jobs().some((name) => name.startsWith('training-')));
    const job = api.objects.all('jobs').find(({ metadata }) => metadata.name.startsWith('training-'))!;
    expect(job.spec.template.spec.containers[0]!.resources?.limits).toMatchObject({ 'nvidia.com/gpu': '1' });
    await client.cancelJob(id);
    await until(() => jobs().length === 0);
  });

  test('goes on from its checkpoint in another pod where its own is taken away, within its first attempt', async () => {
    const { client } = await start();
    const { id } = await launch(client, { recipe: 'steady', seed: 5n, ...parameters({ epochs: STEPS }) });
    await untilStep(10);
    const [name = ''] = jobs();
    api.kubelet.endNode(api.podsOf(name).at(-1)!.metadata.name);
    await client.untilEnded(id);
    const run = await getRun(client, id);
    expect(run).toMatchObject({ job: { state: JobState.SUCCEEDED, attempt: 1 }, facts: { resumed: 1 } });
    expect(valueOf(run)).toBe(expectedValue(5));
    expect(run.curves[0]!.steps).toEqual(Array.from({ length: STEPS }, (_, n) => n + 1));
  });

  test('calls its data bad in its own words, once', async () => {
    const { client } = await start();
    const { id } = await launch(client, { recipe: 'refuse', ...HITS });
    const job = await client.untilEnded(id);
    expect(job).toMatchObject({ state: JobState.FAILED, attempt: 1 });
    expect(job.error?.message).toContain('clip.mp4 has no sound; give clips with sound.');
  });

  test('goes on while the launcher is killed -9, and the next launcher takes it up', async () => {
    const home = await temporaryFolder();
    const env = await testEnvironment(home.path, environment);
    let process = await startServiceProcess(LAUNCHER_MAIN, env);
    let client = createTestClient(process.address);
    const { id } = await launch(client, { recipe: 'steady', seed: 8n, ...parameters({ epochs: STEPS }) });
    await untilStep(10);
    await process.stop('SIGKILL');
    client.close();
    process = await startServiceProcess(LAUNCHER_MAIN, env);
    client = createTestClient(process.address);
    await client.untilEnded(id);
    const run = await getRun(client, id);
    expect(run).toMatchObject({ job: { state: JobState.SUCCEEDED }, facts: { resumed: 0 } });
    expect(valueOf(run)).toBe(expectedValue(8));
    await process.stop('SIGTERM');
    client.close();
    await home.remove();
  }, 120_000);
});
