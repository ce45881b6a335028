import { createLocalAdapters } from '@soundstage/adapters-local';
import { runServices } from '@soundstage/core';
import { createTrainerLauncher } from './service.js';

await runServices('trainer-launcher', createLocalAdapters, [createTrainerLauncher]);
