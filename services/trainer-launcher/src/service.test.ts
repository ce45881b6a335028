import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JobState, LaunchTrainingRequest, TrainerLauncherServiceService, TrainingSpec } from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { sha256 } from '@soundstage/core';
import {
  createTestClient,
  startServiceProcess,
  startTestServices,
  temporaryFolder,
  until,
  withEnvironment,
  type TestClient,
  type TestServices,
} from '@soundstage/core/testing';
import { createTrainerLauncher } from './index.js';
import { toParameter } from './parameters.js';

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));
const main = fileURLToPath(new URL('./main.js', import.meta.url));

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let datasets: string;
let environment: Record<string, string>;

const start = (env: Record<string, string> = {}, folder = home.path) =>
  withEnvironment({ ...environment, ...env }, () =>
    startTestServices(createLocalAdapters, [createTrainerLauncher], folder),
  );

beforeAll(async () => {
  home = await temporaryFolder();
  datasets = join(home.path, 'datasets');
  await mkdir(join(datasets, 'hits'), { recursive: true });
  await writeFile(join(datasets, 'hits', 'a.mp4'), 'a');
  await writeFile(join(datasets, 'hits', 'b.mp4'), 'b');
  await writeFile(join(home.path, 'secret.mp4'), 'secret');
  await symlink(home.path, join(datasets, 'way-out'));
  environment = { SOUNDSTAGE_PYTHON: 'python3', SOUNDSTAGE_TRAINER_DIR: fixtures, SOUNDSTAGE_DATASETS_DIR: datasets };
  services = await start();
});

afterAll(async () => {
  await services.drain();
  await home.remove();
});

const create = async (spec: Partial<TrainingSpec>, { client }: { client: TestClient } = services) => {
  const request = LaunchTrainingRequest.fromPartial({ spec: TrainingSpec.fromPartial(spec) });
  const { run } = await client.call(TrainerLauncherServiceService.launchTraining, request);
  return run!.job!;
};
const hits = { dataset: { $case: 'folder' as const, value: 'hits' } };

/** The folders of training runs in a home. */
const runsIn = (folder: string) => readdir(join(folder, 'scratch', 'training-runs')).catch(() => []);
/** Whether a process runs; one that has ended but was not waited for yet does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits for the one run in a home and for its child process. */
async function runOf(folder: string): Promise<{ out: string; trainer: number; child: number }> {
  let out = '';
  await until(async () => {
    const [name] = await runsIn(folder);
    out = join(folder, 'scratch', 'training-runs', name ?? '-', 'out');
    return existsSync(join(out, 'child'));
  });
  await until(async () => (await readFile(join(out, 'child'), 'utf8')) !== '');
  const trainer = Number((await readFile(join(out, 'starts'), 'utf8')).trim());
  return { out, trainer, child: Number(await readFile(join(out, 'child'), 'utf8')) };
}

describe('the trainer launcher', () => {
  test("lists the trainer's recipes", async () => {
    const { recipes } = await services.client.call(TrainerLauncherServiceService.listRecipes, {});
    expect(recipes).toContainEqual(expect.objectContaining({ name: 'quick', description: 'be done at once' }));
  });

  test('trains on a folder, stores the model with its report and registers it', async () => {
    const job = await create({ recipe: 'quick', ...hits, seed: 5n, parameters: [toParameter('epochs', 3)] });
    const result = await services.client.resultOf(job.id, 'training');
    const model = await services.client.download(result.model!.key);
    expect(JSON.parse(model.toString())).toMatchObject({
      settings: { seed: 5, epochs: 3, rate: 0.5, device: 'cpu', evaluate: false },
      files: ['a.mp4', 'b.mp4'],
    });
    expect(result).toMatchObject({ modelName: 'quick', modelVersion: '1' });
    const card = JSON.parse((await services.client.download(result.card!.key)).toString()) as object;
    expect(card).toMatchObject({ name: 'quick', version: '1', sha256: sha256(model) });
    expect((await services.client.download(result.report!.key)).toString()).toContain('"went" well');
    // The last value of a metric counts.
    expect(result.metrics.slice(0, 1)).toEqual([{ name: 'loss', value: 1 / 3 }]);
  });

  test.each<[string, Partial<TrainingSpec>, string]>([
    ['an unknown recipe', { recipe: 'alchemy', ...hits }, 'spec.recipe'],
    ['a recipe that needs more than a dataset', { recipe: 'weighty', ...hits }, 'spec.recipe'],
    ['a recipe without the dataset that it needs', { recipe: 'quick' }, 'spec.dataset'],
    [
      'a parameter that the recipe has not',
      { recipe: 'quick', ...hits, parameters: [toParameter('depth', 3)] },
      'spec.parameters.depth',
    ],
    [
      'a folder above the datasets',
      { recipe: 'quick', dataset: { $case: 'folder', value: '../secret.mp4' } },
      'spec.folder',
    ],
    [
      'a link that leads out of the datasets',
      { recipe: 'quick', dataset: { $case: 'folder', value: 'way-out' } },
      'spec.folder',
    ],
    [
      'a file instead of a folder',
      { recipe: 'quick', dataset: { $case: 'folder', value: 'hits/a.mp4' } },
      'spec.folder',
    ],
  ])('refuses %s at once and names the field', async (_what, spec, field) => {
    await expect(create(spec)).rejects.toMatchObject({ reason: 'BAD_INPUT', violations: [{ field }] });
  });

  test('fails for good, in the words of the trainer, where the trainer calls its input bad', async () => {
    const { id } = await create({ recipe: 'refuse', ...hits });
    const job = await services.client.untilEnded(id);
    expect(job).toMatchObject({
      state: JobState.FAILED,
      attempt: 1,
      error: { reason: 'BAD_INPUT', message: 'clip.mp4 has no sound; give clips with sound.' },
    });
  });

  test('starts a training again that has failed for another reason', async () => {
    const { id } = await create({ recipe: 'stumble', ...hits });
    const job = await services.client.untilEnded(id);
    expect(job).toMatchObject({ state: JobState.SUCCEEDED, attempt: 2 });
  });

  test('shows the progress that the trainer tells', async () => {
    const { id } = await create({ recipe: 'slow' });
    const job = await services.client.waitFor(id, (seen) => (seen.steps[1]?.fraction ?? 0) > 0);
    expect(job.steps[1]).toMatchObject({ name: 'train', fraction: 0.5, message: 'waiting' });
    const names = await runsIn(home.path);
    const outs = names.map((name) => join(home.path, 'scratch', 'training-runs', name, 'out'));
    await writeFile(join(outs.find((out) => existsSync(join(out, 'child'))) ?? '', 'finish'), '');
    await services.client.resultOf(id, 'training');
  });

  test('says which command to run where the trainer is not set up', async () => {
    const elsewhere = await temporaryFolder();
    for (const env of [
      { SOUNDSTAGE_PYTHON: '/nowhere/python' },
      { SOUNDSTAGE_TRAINER_DIR: elsewhere.path, SOUNDSTAGE_PYTHON: 'python3' },
    ]) {
      const lacking = await start(env as unknown as Record<string, string>, elsewhere.path);
      try {
        await expect(create({ recipe: 'quick', ...hits }, lacking)).rejects.toMatchObject({
          reason: 'UNAVAILABLE',
          message: expect.stringContaining('./soundstage setup') as unknown,
        });
      } finally {
        await lacking.drain();
      }
    }
    await elsewhere.remove();
  });
});

describe('a training that is cancelled', () => {
  test('ends with all of its processes and leaves nothing behind', async () => {
    const apart = await temporaryFolder();
    const launcher = await start({}, apart.path);
    const { id } = await create({ recipe: 'slow' }, launcher);
    const { trainer, child } = await runOf(apart.path);
    expect([trainer, child].every(isAlive)).toBe(true);
    await launcher.client.cancelJob(id);
    expect(await launcher.client.untilEnded(id)).toMatchObject({ state: JobState.CANCELLED });
    expect([trainer, child].some(isAlive)).toBe(false);
    expect(await runsIn(apart.path)).toEqual([]);
    await launcher.drain();
    await apart.remove();
  });

  test('ends too where its launcher was killed meanwhile', async () => {
    const apart = await temporaryFolder();
    const killed = await startServiceProcess(main, { ...environment, SOUNDSTAGE_HOME: apart.path });
    const client = createTestClient(killed.address);
    const { id } = await create({ recipe: 'slow' }, { client });
    const { trainer, child } = await runOf(apart.path);
    await killed.stop('SIGKILL');
    client.close();
    expect([trainer, child].every(isAlive)).toBe(true);
    const launcher = await start({}, apart.path);
    await launcher.client.cancelJob(id);
    expect(await launcher.client.untilEnded(id)).toMatchObject({ state: JobState.CANCELLED });
    await until(async () => !isAlive(trainer) && !isAlive(child) && (await runsIn(apart.path)).length === 0);
    await launcher.drain();
    await apart.remove();
  });
});

describe('a training whose launcher goes away', () => {
  test.each<NodeJS.Signals>(['SIGTERM', 'SIGKILL'])(
    'by %s goes on, and the next launcher follows it to its end instead of starting another',
    async (signal) => {
      const apart = await temporaryFolder();
      const env = { ...environment, SOUNDSTAGE_HOME: apart.path, SOUNDSTAGE_DRAIN_S: '0' };
      const first = await startServiceProcess(main, env);
      const client = createTestClient(first.address);
      const { id } = await create({ recipe: 'slow' }, { client });
      const { out, trainer } = await runOf(apart.path);
      expect(await first.stop(signal)).toBe(signal === 'SIGTERM' ? 0 : null);
      client.close();
      expect(isAlive(trainer)).toBe(true);

      const next = await startServiceProcess(main, env);
      const follower = createTestClient(next.address);
      await follower.waitFor(id, (job) => job.state === JobState.RUNNING && (job.steps[1]?.fraction ?? 0) > 0);
      const starts = (await readFile(join(out, 'starts'), 'utf8')).trim();
      await writeFile(join(out, 'finish'), '');
      const result = await follower.resultOf(id, 'training');
      // One start, and the whole story from its beginning.
      expect(starts).toBe(String(trainer));
      expect(result.metrics.map(({ name }) => name)).toEqual(['loss', 'value']);
      expect(await follower.getJob(id)).toMatchObject({ attempt: 1 });
      follower.close();
      await next.stop('SIGTERM');
      expect(await runsIn(apart.path)).toEqual([]);
      await apart.remove();
    },
  );
});
