export { createLocalAdapters } from './local-adapters.js';
export { createSqliteQueue, type SqliteQueueOptions } from './queue/sqlite-queue.js';
export { createFolderObjectStore, type FolderObjectStoreOptions } from './objects/folder-object-store.js';
export { createProcessJobRunner, type ProcessJobRunnerOptions } from './runs/process-job-runner.js';
