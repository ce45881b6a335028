import { createAdapters } from '@soundstage/adapters';
import { runServices } from '@soundstage/core';
import { createPreprocessor } from './service.js';

await runServices('preprocessor', createAdapters, [createPreprocessor]);
