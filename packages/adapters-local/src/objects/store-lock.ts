import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy, sqliteError } from '../sqlite-errors.js';

/** A lock over all processes that use a store. */
export interface StoreLock {
  /** Runs `work`, which must be synchronous and short, while nobody else holds the lock. */
  hold<T>(work: () => T): Promise<T>;
}

const WAIT_MS = 10_000;

/**
 * Node has no file locks, but SQLite has: an empty database serves as one. The kernel frees it when its holder is
 * killed, so it can't become stale, which a lock file with a process id can.
 *
 * @throws UNAVAILABLE (from `hold`) when another process doesn't let go for 10 s
 */
export function createStoreLock(file: string): StoreLock {
  let database: DatabaseSync | undefined;
  try {
    // Something must stand in the file, or each lock would write its first page: no use on a full disk.
    database = new DatabaseSync(file, { timeout: 5000 });
    if (database.prepare('PRAGMA user_version').get()?.['user_version'] === 0) database.exec('PRAGMA user_version = 1');
    database.exec('PRAGMA busy_timeout = 0');
  } catch {
    // On a full disk, for example: the store can be read all the same, and `hold` tells what is wrong.
    if (database?.isOpen) database.close();
    database = undefined;
  }
  return {
    async hold(work) {
      const startedMs = Date.now();
      for (;;) {
        try {
          database ??= new DatabaseSync(file, { timeout: 0 });
          database.exec('BEGIN IMMEDIATE');
          break;
        } catch (thrown) {
          if (!isBusy(thrown) || Date.now() - startedMs > WAIT_MS) throw sqliteError(thrown, file);
          await sleep(1 + Math.random());
        }
      }
      try {
        return work();
      } finally {
        database.exec('ROLLBACK');
      }
    },
  };
}
