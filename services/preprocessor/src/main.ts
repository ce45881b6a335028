import { createLocalAdapters } from '@soundstage/adapters-local';
import { runServices } from '@soundstage/core';
import { createPreprocessor } from './service.js';

await runServices('preprocessor', createLocalAdapters, [createPreprocessor]);
