import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises';
import type { SoundstageError } from '@soundstage/core/errors';
import { isBusy, sqliteError } from '../sqlite-errors.js';

/** Work that waits for its turn in a transaction. */
interface Waiting {
  work: () => unknown;
  resolve: (value: never) => void;
  reject: (error: SoundstageError) => void;
}

/** Runs pieces of work in transactions, many in one where many come at once. */
export interface GroupCommit {
  /** Runs `work`, which must be synchronous, and resolves with its result once that is on the disk. */
  run<T>(work: () => T): Promise<T>;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

/** So many pieces at most share a transaction: it stays short, and the event loop breathes. */
const GROUP_MAX = 500;
const LOCK_WAIT_MS = 30_000;
/** Every so many commits, look whether pages can be given back to the disk. */
const TIDY_EVERY = 32;
const TIDY_PAGES = 1024;

/**
 * What makes a durable commit dear is the one write-through to the disk, whatever it carries. So all work that comes
 * within one turn of the event loop, or while a commit is under way, goes into one transaction. If it fails as a whole
 * each piece is tried by itself, so that no caller suffers from its neighbour.
 *
 * @throws (from `run`) EXHAUSTED when the disk is full; UNAVAILABLE when another process holds the file for 30 s
 */
export function createGroupCommit(database: DatabaseSync, file: string): GroupCommit {
  const waiting: Waiting[] = [];
  let flushing: Promise<void> | undefined;
  let commits = 0;
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');
  const freePages = database.prepare('PRAGMA freelist_count');

  async function takeLock(): Promise<void> {
    const startedMs = Date.now();
    for (;;) {
      try {
        begin.run();
        return;
      } catch (thrown) {
        const waitedMs = Date.now() - startedMs;
        if (!isBusy(thrown) || waitedMs > LOCK_WAIT_MS) throw thrown;
        // Often at first: the gap between two commits of a busy neighbour is shorter than a millisecond.
        await sleep(waitedMs < 200 ? 1 : 2 + Math.random() * 8);
      }
    }
  }

  /** One transaction over all of `group`. The results are handed out only once they are on the disk. */
  async function transact(group: readonly Waiting[]): Promise<void> {
    await takeLock();
    let results: unknown[];
    try {
      results = group.map((one) => one.work());
      commit.run();
    } catch (thrown) {
      if (database.isTransaction) rollback.run();
      throw thrown;
    }
    group.forEach((one, index) => one.resolve(results[index] as never));
  }

  async function flush(): Promise<void> {
    await nextTick();
    while (waiting.length > 0) {
      const group = waiting.splice(0, GROUP_MAX);
      try {
        await transact(group);
      } catch (thrown) {
        if (group.length === 1 || isBusy(thrown)) {
          for (const one of group) one.reject(sqliteError(thrown, file));
        } else {
          for (const one of group) await transact([one]).catch((cause) => one.reject(sqliteError(cause, file)));
        }
      }
      if (++commits % TIDY_EVERY === 0) tidy();
      await nextTick();
    }
    flushing = undefined;
  }

  /** Gives pages of messages that are gone back to the disk, a few at a time. */
  function tidy(): void {
    try {
      if (Number(freePages.get()?.['freelist_count']) > TIDY_PAGES) {
        database.exec(`PRAGMA incremental_vacuum(${TIDY_PAGES})`);
      }
    } catch {
      // Somebody else holds the file, or the disk is full: another time.
    }
  }

  return {
    run<T>(work: () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve, reject });
        flushing ??= flush();
      });
    },
    async idle() {
      await flushing;
    },
  };
}
