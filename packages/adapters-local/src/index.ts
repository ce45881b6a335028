export { createSqliteQueue, type SqliteQueueOptions } from './queue/sqlite-queue.js';
