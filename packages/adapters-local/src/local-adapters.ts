import { join } from 'node:path';
import type { JobRunner, ObjectStore, Queue } from '@soundstage/core';
import { createFolderObjectStore } from './objects/folder-object-store.js';
import { createSqliteQueue } from './queue/sqlite-queue.js';
import { createProcessJobRunner } from './runs/process-job-runner.js';

/**
 * All three engines on one machine, below one folder: `queue.sqlite`, `store/` and `runs/`. Any number of processes
 * may do so with the same folder.
 *
 * @throws UNAVAILABLE when the folder can't be written
 */
export function createLocalAdapters(home: string): { queue: Queue; store: ObjectStore; runner: JobRunner } {
  return {
    queue: createSqliteQueue({ file: join(home, 'queue.sqlite') }),
    store: createFolderObjectStore({ folder: join(home, 'store') }),
    runner: createProcessJobRunner({ folder: join(home, 'runs') }),
  };
}
