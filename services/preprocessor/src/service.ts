import { PreprocessorServiceService, type PreprocessorServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { createFaceModel } from '@soundstage/faces';
import { modelId, openOnUse } from '@soundstage/models';
import { syncMeterOf, type SyncModelName } from '@soundstage/sync';
import { readPreprocessorConfig } from './config.js';
import { createPreprocessingStage } from './handler.js';

/** The preprocessor: brings clips into the exact form that a model wants. */
export const createPreprocessor: CreateService = async (platform, handlers) => {
  const config = readPreprocessorConfig();
  // Loaded when they are first needed: only a few profiles look for faces, and how their lips go with the sound.
  const open = (name: SyncModelName) =>
    openOnUse({
      ...{ folder: config.SOUNDSTAGE_MODELS_DIR, name },
      threads: config.SOUNDSTAGE_MODEL_THREADS,
      executionProvider: config.SOUNDSTAGE_EXECUTION_PROVIDER,
    });
  const [face, lips, mel_16k, speech, sync] = await Promise.all([
    open('face'),
    open('lips'),
    open('mel_16k'),
    open('speech'),
    open('sync'),
  ]);
  const stage = createPreprocessingStage(
    config,
    createFaceModel(face),
    syncMeterOf({ face, lips, mel_16k, speech, sync }),
    modelId(face),
    platform.config.SOUNDSTAGE_CONCURRENCY,
  );
  const implementation: PreprocessorServiceServer = {
    createPreprocessing: createJobMethod('CreatePreprocessing', stage, platform, handlers),
  };
  return {
    name: 'preprocessor',
    grpc: [{ definition: PreprocessorServiceService, implementation }],
    stages: [stage],
    close: async () => {
      await Promise.all([face, lips, mel_16k, speech, sync].map((model) => model.close()));
    },
  };
};
