import { CollectorServiceService, type CollectorServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { readCollectorConfig } from './config.js';
import { createCollectionStage } from './handler.js';

/** The collector: takes clips in. */
export const createCollector: CreateService = async (platform, handlers) => {
  const stage = createCollectionStage(readCollectorConfig());
  const implementation: CollectorServiceServer = {
    createCollection: createJobMethod('CreateCollection', stage, platform, handlers),
  };
  return { name: 'collector', grpc: [{ definition: CollectorServiceService, implementation }], stages: [stage] };
};
