import { createLocalAdapters } from '@soundstage/adapters-local';
import { runServices } from '@soundstage/core';
import { createFeatureExtractor } from './service.js';

await runServices('feature-extractor', createLocalAdapters, [createFeatureExtractor]);
