import { createAdapters } from '@soundstage/adapters';
import { runServices } from '@soundstage/core';
import { createSplitter } from './service.js';

await runServices('splitter', createAdapters, [createSplitter]);
