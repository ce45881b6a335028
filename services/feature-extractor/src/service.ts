import { FeatureExtractorServiceService, type FeatureExtractorServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { readFeatureExtractorConfig } from './config.js';
import { createFeatureExtractionStage } from './handler.js';
import { openFeatureModels } from './feature-models.js';

/** The feature extractor: opens its models, then computes the features that other models see. */
export const createFeatureExtractor: CreateService = async (platform, handlers) => {
  const config = readFeatureExtractorConfig();
  const models = await openFeatureModels(config);
  const stage = createFeatureExtractionStage(models, config);
  const implementation: FeatureExtractorServiceServer = {
    createFeatureExtraction: createJobMethod('CreateFeatureExtraction', stage, platform, handlers),
  };
  return {
    name: 'feature-extractor',
    grpc: [{ definition: FeatureExtractorServiceService, implementation }],
    stages: [stage],
    close: () => models.close(),
  };
};
