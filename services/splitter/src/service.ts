import { SplitterServiceService, type SplitterServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { readSplitterConfig } from './config.js';
import { createSplitStage } from './handler.js';

/** The splitter: divides clips into train, validation and test. */
export const createSplitter: CreateService = async (platform, handlers) => {
  const stage = createSplitStage(readSplitterConfig());
  const implementation: SplitterServiceServer = {
    createSplit: createJobMethod('CreateSplit', stage, platform, handlers),
  };
  return { name: 'splitter', grpc: [{ definition: SplitterServiceService, implementation }], stages: [stage] };
};
