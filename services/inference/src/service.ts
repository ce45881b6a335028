import { InferenceServiceService, type InferenceServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { createFoleyStage } from './handler.js';
import { openFoley } from './jobs/foley/open-foley.js';

/** The inference service: opens its models, then takes jobs. */
export const createInference: CreateService = async (platform, handlers) => {
  const foley = await openFoley();
  const stage = createFoleyStage(foley);
  const implementation: InferenceServiceServer = {
    createFoley: createJobMethod('CreateFoley', stage, platform, handlers),
    listModels: handlers.unary('ListModels', async () => ({ models: foley.models })),
  };
  return {
    name: 'inference',
    grpc: [{ definition: InferenceServiceService, implementation }],
    stages: [stage],
    close: () => foley.close(),
  };
};
