import { PreprocessorServiceService, type PreprocessorServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { readPreprocessorConfig } from './config.js';
import { createFaceModel } from './face/face-model.js';
import { createPreprocessingStage } from './handler.js';

/** The preprocessor: brings clips into the exact form that a model wants. */
export const createPreprocessor: CreateService = async (platform, handlers) => {
  const config = readPreprocessorConfig();
  const faces = await createFaceModel(config);
  const stage = createPreprocessingStage(config, faces);
  const implementation: PreprocessorServiceServer = {
    createPreprocessing: createJobMethod('CreatePreprocessing', stage, platform, handlers),
  };
  return {
    name: 'preprocessor',
    grpc: [{ definition: PreprocessorServiceService, implementation }],
    stages: [stage],
    close: () => faces.close(),
  };
};
