import { PreprocessorServiceService, type PreprocessorServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { readPreprocessorConfig } from './config.js';
import { createPreprocessingStage } from './handler.js';

/** The preprocessor: brings clips into the exact form that a model wants. */
export const createPreprocessor: CreateService = async (platform, handlers) => {
  const stage = createPreprocessingStage(readPreprocessorConfig());
  const implementation: PreprocessorServiceServer = {
    createPreprocessing: createJobMethod('CreatePreprocessing', stage, platform, handlers),
  };
  return { name: 'preprocessor', grpc: [{ definition: PreprocessorServiceService, implementation }], stages: [stage] };
};
