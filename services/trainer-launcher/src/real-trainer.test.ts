import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JobState, LaunchTrainingRequest, TrainerLauncherServiceService } from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { longTest } from '@soundstage/core/contract-tests';
import { startTestServices, temporaryFolder, withEnvironment, type TestServices } from '@soundstage/core/testing';
import { createTrainerLauncher } from './index.js';
import { toParameter } from './parameters.js';

const venv = fileURLToPath(new URL('../../../.cache/venv/bin/python', import.meta.url));

/* The trainer itself, where it is set up. A whole training takes too long for here: the trainer's own tests do that. */
(existsSync(venv) ? describe : describe.skip)('the trainer of this repository, started by the launcher', () => {
  let home: Awaited<ReturnType<typeof temporaryFolder>>;
  let services: TestServices;

  beforeAll(async () => {
    home = await temporaryFolder();
    await mkdir(join(home.path, 'datasets', 'empty'), { recursive: true });
    const env = { SOUNDSTAGE_PYTHON: venv, SOUNDSTAGE_DATASETS_DIR: join(home.path, 'datasets') };
    services = await withEnvironment(env, () =>
      startTestServices(createLocalAdapters, [createTrainerLauncher], home.path),
    );
  });

  afterAll(async () => {
    await services.drain();
    await home.remove();
  });

  test('lists its recipes, each with what it does', async () => {
    const { recipes } = await services.client.call(TrainerLauncherServiceService.listRecipes, {});
    expect(recipes.map(({ name }) => name)).toEqual(expect.arrayContaining(['onset', 'motion', 'flow']));
    expect(recipes.every(({ description }) => description.length > 10)).toBe(true);
  });

  test('refuses a dataset without clips in its own words', async () => {
    const request = LaunchTrainingRequest.fromPartial({
      spec: {
        recipe: 'onset',
        dataset: { $case: 'folder', value: 'empty' },
        seed: 1n,
        parameters: [toParameter('epochs', 1), toParameter('limit', 4)],
      },
    });
    const { run } = await services.client.call(TrainerLauncherServiceService.launchTraining, request);
    const ended = await services.client.untilEnded(run!.id, 60_000);
    expect(ended).toMatchObject({ state: JobState.FAILED, attempt: 1, error: { reason: 'BAD_INPUT' } });
    expect(ended.error?.message).toMatch(/clips .* lies in/);
  }, 90_000);

  longTest(
    'gives a model that is registered above the one that ships, seen to run, and promoted',
    async () => {
      const request = LaunchTrainingRequest.fromPartial({ spec: { recipe: 'zero_crossings' } });
      const { run } = await services.client.call(TrainerLauncherServiceService.launchTraining, request);
      await services.client.untilEnded(run!.id, 400_000);
      const { modelName: name, modelVersion: version } = await services.client.resultOf(run!.id, 'training');
      expect(name).toBe('zero_crossings');
      expect(Number(version)).toBeGreaterThan(0);
      const promotion = { name, version, expectedVersion: '' };
      const { model } = await services.client.call(TrainerLauncherServiceService.promoteModel, promotion);
      expect(model).toMatchObject({ name, version, runId: run!.id, promoted: true });
    },
    500_000,
  );
});
