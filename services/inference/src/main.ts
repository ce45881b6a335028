import { createLocalAdapters } from '@soundstage/adapters-local';
import { runServices } from '@soundstage/core';
import { createInference } from './service.js';

await runServices('inference', createLocalAdapters, [createInference]);
