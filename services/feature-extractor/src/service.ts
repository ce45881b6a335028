import { FeatureExtractorServiceService, type FeatureExtractorServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { readFeatureExtractorConfig } from './config.js';
import { createFeatureExtractionStage } from './handler.js';
import { readFeatureModels } from './feature-models.js';

/** The feature extractor: computes the features that other models see, each by a model that is loaded when first needed. */
export const createFeatureExtractor: CreateService = async (platform, handlers) => {
  const config = readFeatureExtractorConfig();
  const models = await readFeatureModels(config);
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
