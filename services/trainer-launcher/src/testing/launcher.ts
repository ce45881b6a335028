import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  LaunchTrainingRequest,
  TrainerLauncherServiceService,
  TrainingSpec,
  type Parameter,
  type Run,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import type { Adapters } from '@soundstage/core';
import {
  startTestServices,
  temporaryFolder,
  until,
  withEnvironment,
  type TestClient,
  type TestServices,
} from '@soundstage/core/testing';
import { createTrainerLauncher } from '../index.js';
import { toParameter, type ParameterValue } from '../parameters.js';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const models = fileURLToPath(new URL('../../../../packages/models/fixtures', import.meta.url));

/** The service as a program of its own. */
export const LAUNCHER_MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

/** A launcher in a home of its own, with the stand-in for the trainer and a dataset named `hits`. */
export interface TestLauncher {
  home: string;
  /** What it was started with, for programs beside it. */
  environment: Record<string, string>;
  services: TestServices;
  client: TestClient;
  close(): Promise<void>;
}

export async function startTestLauncher(
  env: Record<string, string> = {},
  connect: (home: string) => Adapters | Promise<Adapters> = createLocalAdapters,
): Promise<TestLauncher> {
  const home = await temporaryFolder();
  const environment = await testEnvironment(home.path, env);
  const services = await withEnvironment(environment, () =>
    startTestServices(connect, [createTrainerLauncher], home.path),
  );
  return {
    home: home.path,
    environment,
    services,
    client: services.client,
    async close() {
      await services.drain();
      await home.remove();
    },
  };
}

export async function testEnvironment(home: string, env: Record<string, string> = {}): Promise<Record<string, string>> {
  const datasets = join(home, 'datasets');
  await mkdir(join(datasets, 'hits'), { recursive: true });
  await writeFile(join(datasets, 'hits', 'a.mp4'), 'a');
  await writeFile(join(datasets, 'hits', 'b.mp4'), 'b');
  return {
    SOUNDSTAGE_HOME: home,
    SOUNDSTAGE_PYTHON: 'python3',
    SOUNDSTAGE_TRAINER_DIR: fixtures,
    SOUNDSTAGE_MODELS_DIR: models,
    SOUNDSTAGE_DATASETS_DIR: datasets,
    ...env,
  };
}

export const HITS = { dataset: { $case: 'folder' as const, value: 'hits' } };

export async function launch(client: TestClient, spec: Partial<TrainingSpec>): Promise<Run> {
  const request = LaunchTrainingRequest.fromPartial({ spec: TrainingSpec.fromPartial(spec) });
  return (await client.call(TrainerLauncherServiceService.launchTraining, request)).run!;
}

export async function getRun(client: TestClient, runId: string): Promise<Run> {
  return (await client.call(TrainerLauncherServiceService.getRun, { runId })).run!;
}

export function parameters(values: Record<string, ParameterValue>): { parameters: Parameter[] } {
  return { parameters: Object.entries(values).map(([name, value]) => toParameter(name, value)) };
}

/** The folders of training runs in a home. */
export async function runFoldersIn(home: string): Promise<string[]> {
  const root = join(home, 'scratch', 'training-runs');
  return (await readdir(root).catch(() => [])).map((name) => join(root, name));
}

/** The processes of every start of the one run in a home, the latest last. */
export async function startsIn(home: string): Promise<number[]> {
  const [folder] = await runFoldersIn(home);
  const text = await readFile(join(folder ?? home, 'out', 'starts'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}

/** Whether a process runs; one that has ended but was not waited for yet does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until the run in a home has kept a checkpoint of the `steady` recipe at or after a step. */
export async function untilStep(home: string, step: number): Promise<void> {
  await until(async () => {
    const [folder] = await runFoldersIn(home);
    const text = await readFile(join(folder ?? home, 'checkpoints', 'state.json'), 'utf8').catch(() => '{}');
    return (JSON.parse(text) as { step?: number }).step! >= step;
  });
}
