import { PreprocessorServiceService, type PreprocessorServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { createFaceModel } from '@soundstage/faces';
import { modelId, openOnUse } from '@soundstage/models';
import { readPreprocessorConfig } from './config.js';
import { createPreprocessingStage } from './handler.js';

/** The preprocessor: brings clips into the exact form that a model wants. */
export const createPreprocessor: CreateService = async (platform, handlers) => {
  const config = readPreprocessorConfig();
  // Loaded when it is first needed: only one profile looks for faces.
  const model = await openOnUse({
    folder: config.SOUNDSTAGE_MODELS_DIR,
    name: 'face',
    version: '1',
    threads: config.SOUNDSTAGE_MODEL_THREADS,
    executionProvider: config.SOUNDSTAGE_EXECUTION_PROVIDER,
  });
  const stage = createPreprocessingStage(
    config,
    createFaceModel(model),
    modelId(model),
    platform.config.SOUNDSTAGE_CONCURRENCY,
  );
  const implementation: PreprocessorServiceServer = {
    createPreprocessing: createJobMethod('CreatePreprocessing', stage, platform, handlers),
  };
  return {
    name: 'preprocessor',
    grpc: [{ definition: PreprocessorServiceService, implementation }],
    stages: [stage],
    close: () => model.close(),
  };
};
