import { createAdapters } from '@soundstage/adapters';
import { runServices } from '@soundstage/core';
import { createCollector } from './service.js';

await runServices('collector', createAdapters, [createCollector]);
