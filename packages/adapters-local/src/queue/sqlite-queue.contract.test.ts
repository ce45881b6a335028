import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueContract } from '@soundstage/core/contract-tests';
import { createSqliteQueue } from './sqlite-queue.js';

queueContract('A SQLite file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'soundstage-queue-'));
  let nowMs = Date.now();
  const clock = () => nowMs;
  const options = { file: join(folder, 'queue.sqlite'), maxAttempts: 3, maxDeliveries: 1000, clock };
  const [queue, other] = [createSqliteQueue(options), createSqliteQueue(options)];
  return {
    queue,
    other,
    maxAttempts: 3,
    leaseMs: 2000,
    pass: async (ms) => void (nowMs += ms),
    movesClock: true,
    ordered: true,
    tellsStale: true,
    exactStats: true,
    close: async () => {
      await Promise.all([queue.close(), other.close()]);
      rmSync(folder, { recursive: true });
    },
  };
});
