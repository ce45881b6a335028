import { createLocalAdapters } from '@soundstage/adapters-local';
import { runServices } from '@soundstage/core';
import { createSplitter } from './service.js';

await runServices('splitter', createLocalAdapters, [createSplitter]);
