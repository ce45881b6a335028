import { TrainerLauncherServiceService, type TrainerLauncherServiceServer } from '@soundstage/contracts';
import { createJob, type CreateService } from '@soundstage/core';
import { readTrainerLauncherConfig } from './config.js';
import { createTrainingStage } from './handler.js';
import { toParameter } from './parameters.js';
import { createRecipeList } from './recipes.js';
import { createRunFolders } from './run-folders.js';
import { createRuns } from './runs.js';

/** The trainer launcher: starts the trainer and stores the models that it makes. */
export const createTrainerLauncher: CreateService = async (platform, handlers) => {
  const config = readTrainerLauncherConfig();
  const recipes = createRecipeList(platform.runner, config);
  const folders = createRunFolders(platform);
  const stage = createTrainingStage(config, {
    runner: platform.runner,
    folders,
    recipes,
    timeoutS: platform.config.SOUNDSTAGE_WORK_TIMEOUT_S,
  });
  const runs = createRuns(platform);
  const implementation: Partial<TrainerLauncherServiceServer> = {
    launchTraining: handlers.unary('LaunchTraining', async ({ requestId, spec }) => {
      const job = await createJob({ requestId, spec }, stage, platform);
      return { run: await runs.ofJob(job) };
    }),
    getRun: handlers.unary('GetRun', async ({ runId }) => ({ run: await runs.get(runId) })),
    watchRun: handlers.serverStream('WatchRun', async function* ({ runId }, { signal }) {
      for await (const run of runs.watch(runId, signal)) yield { run };
    }),
    cancelRun: handlers.unary('CancelRun', async ({ runId }) => ({ run: await runs.cancel(runId) })),
    listRuns: handlers.unary('ListRuns', ({ pageSize, pageToken }) => runs.list(pageSize, pageToken)),
    listRecipes: handlers.unary('ListRecipes', async () => ({
      recipes: (await recipes.all()).map(({ name, description, parameters }) => ({
        name,
        description,
        parameters: [...parameters.values()].map((parameter) => ({
          parameter: toParameter(parameter.name, parameter.default),
          description: parameter.description,
        })),
      })),
    })),
  };
  return {
    name: 'trainer-launcher',
    grpc: [{ definition: TrainerLauncherServiceService, implementation: implementation as TrainerLauncherServiceServer }],
    stages: [stage],
    close: () => folders.close(),
  };
};
