import { createAdapters } from '@soundstage/adapters';
import { runServices } from '@soundstage/core';
import { createFeatureExtractor } from './service.js';

await runServices('feature-extractor', createAdapters, [createFeatureExtractor]);
