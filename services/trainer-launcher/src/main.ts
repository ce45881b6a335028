import { createAdapters } from '@soundstage/adapters';
import { runServices } from '@soundstage/core';
import { createTrainerLauncher } from './service.js';

await runServices('trainer-launcher', createAdapters, [createTrainerLauncher]);
