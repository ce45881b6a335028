import { createLocalAdapters } from '@soundstage/adapters-local';
import { runServices } from '@soundstage/core';
import { createCollector } from './service.js';

await runServices('collector', createLocalAdapters, [createCollector]);
