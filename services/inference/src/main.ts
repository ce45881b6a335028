import { createAdapters } from '@soundstage/adapters';
import { runServices } from '@soundstage/core';
import { createInference } from './service.js';

await runServices('inference', createAdapters, [createInference]);
