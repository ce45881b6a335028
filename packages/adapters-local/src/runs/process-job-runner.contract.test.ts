import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobRunnerContract } from '@soundstage/core/contract-tests';
import { createProcessJobRunner } from './process-job-runner.js';

jobRunnerContract('Child processes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'soundstage-runs-'));
  return {
    runner: createProcessJobRunner({ folder }),
    other: createProcessJobRunner({ folder }),
    tellsStreams: true,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
