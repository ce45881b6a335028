import { TrainerLauncherServiceService, type TrainerLauncherServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { readTrainerLauncherConfig } from './config.js';
import { createTrainingStage } from './handler.js';
import { createRecipeList } from './recipes.js';
import { createRunFolders } from './run-folders.js';

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
  const implementation: TrainerLauncherServiceServer = {
    createTraining: createJobMethod('CreateTraining', stage, platform, handlers),
    listRecipes: handlers.unary('ListRecipes', async () => ({
      recipes: (await recipes.all()).map(({ name, description }) => ({ name, description })),
    })),
  };
  return {
    name: 'trainer-launcher',
    grpc: [{ definition: TrainerLauncherServiceService, implementation }],
    stages: [stage],
    close: () => folders.close(),
  };
};
