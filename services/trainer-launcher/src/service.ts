import { TrainerLauncherServiceService, type TrainerLauncherServiceServer } from '@soundstage/contracts';
import { createJob, type CreateService } from '@soundstage/core';
import { trainerVersion } from './code-version.js';
import { differencesOf } from './compare-runs.js';
import { readTrainerLauncherConfig } from './config.js';
import { createTrainingStage } from './handler.js';
import { createModels } from './models.js';
import { comparePage } from './page/compare-page.js';
import { drawRunPage } from './page/draw-page.js';
import { toParameter } from './parameters.js';
import { createRecipeList, type TrainerRecipe } from './recipes.js';
import { createRunFolders } from './run-folders.js';
import { createRunRecords } from './run-records.js';
import { createRuns, storePage } from './runs.js';

/** The trainer launcher: runs recipes of the trainer, follows them, and keeps the models that they make. */
export const createTrainerLauncher: CreateService = async (platform, handlers) => {
  const { runner, store } = platform;
  const config = readTrainerLauncherConfig();
  const recipes = createRecipeList(runner, config);
  const folders = createRunFolders(platform, config);
  const records = createRunRecords(platform);
  const stage = createTrainingStage(config, {
    runner,
    folders,
    recipes,
    records,
    trainerVersion: await trainerVersion(config.SOUNDSTAGE_TRAINER_DIR, config.SOUNDSTAGE_MODELS_DIR),
  });
  const runs = createRuns(platform, records, (run) => drawRunPage(store, recipes, run));
  const models = createModels(platform);

  const implementation: TrainerLauncherServiceServer = {
    launchTraining: handlers.unary('LaunchTraining', async (request) => ({
      run: await runs.ofJob(await createJob(request, stage, platform)),
    })),

    getRun: handlers.unary('GetRun', async ({ runId }) => ({ run: await runs.get(runId) })),

    watchRun: handlers.serverStream('WatchRun', async function* ({ runId }, { signal }) {
      for await (const run of runs.watch(runId, signal)) yield { run };
    }),

    cancelRun: handlers.unary('CancelRun', async ({ runId }) => ({ run: await runs.cancel(runId) })),

    listRuns: handlers.unary('ListRuns', ({ pageSize, pageToken }) => runs.list(pageSize, pageToken)),

    compareRuns: handlers.unary('CompareRuns', async ({ fromRunId, toRunId }) => {
      const [from, to] = [await runs.get(fromRunId), await runs.get(toRunId)];
      const differences = differencesOf(from, to);
      const page = await storePage(store, from.id, await comparePage(from, to, differences));
      return { from, to, differences, page };
    }),

    listRecipes: handlers.unary('ListRecipes', async () => ({ recipes: (await recipes.all()).map(describeRecipe) })),

    listModels: handlers.unary('ListModels', (request) => models.list(request)),

    promoteModel: handlers.unary('PromoteModel', (request, { signal }) => models.promote(request, signal)),

    rollbackModel: handlers.unary('RollbackModel', (request) => models.rollback(request)),
  };
  return {
    name: 'trainer-launcher',
    grpc: [{ definition: TrainerLauncherServiceService, implementation }],
    stages: [stage],
    close: () => folders.close(),
  };
};

function describeRecipe({ name, description, parameters }: TrainerRecipe) {
  return {
    name,
    description,
    parameters: [...parameters.values()].map((parameter) => ({
      parameter: toParameter(parameter.name, parameter.default),
      description: parameter.description,
    })),
  };
}
