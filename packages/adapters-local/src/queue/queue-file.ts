import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SoundstageError } from '@soundstage/core/errors';
import { isBusy, sqliteError } from '../sqlite-errors.js';
import { CLOCK_SCHEMA, noteBoot } from './boot-clock.js';

const SCHEMA_VERSION = 1;

/**
 * `message.due_ms` says when a message can be pulled next: NULL is now. A message that isn't ready is leased when it
 * has a `lease`, and delayed otherwise. The lease token stays when the lease ends, until somebody else takes the
 * message: who comes late but first may still settle it.
 *
 * AUTOINCREMENT keeps ids from being used twice, so that a log line names one message for ever.
 */
const SCHEMA = `
  CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    body TEXT NOT NULL,
    attributes TEXT NOT NULL,
    published_ms INTEGER NOT NULL,
    due_ms INTEGER,
    lease TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX message_ready ON message (topic, id) WHERE due_ms IS NULL;
  CREATE INDEX message_due ON message (topic, due_ms) WHERE due_ms IS NOT NULL;

  CREATE TABLE dead_letter (
    position INTEGER PRIMARY KEY,
    id INTEGER NOT NULL,
    topic TEXT NOT NULL,
    body TEXT NOT NULL,
    attributes TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT NOT NULL,
    died_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX dead_letter_topic ON dead_letter (topic, position);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens a queue file, making it where there is none. Several processes may do so at once.
 *
 * @throws UNAVAILABLE when it can't be opened or stays locked for 10 s; INTERNAL when it isn't a queue file
 */
export function openQueueFile(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true });
  const deadline = Date.now() + 10_000;
  for (;;) {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(file, { timeout: 1000 });
      prepare(database, file);
      return database;
    } catch (thrown) {
      database?.close();
      // The change to a write-ahead log doesn't wait for the lock by itself when two processes make the file at once.
      if (!isBusy(thrown) || Date.now() > deadline) throw sqliteError(thrown, file);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + Math.random() * 20);
    }
  }
}

function prepare(database: DatabaseSync, file: string): void {
  // Only has an effect before the first table: pages of messages that are gone can be given back to the disk.
  database.exec('PRAGMA auto_vacuum = INCREMENTAL');
  database.exec('PRAGMA journal_mode = WAL');
  // FULL: each commit is on the disk before the call returns, so what was published survives a loss of power.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA journal_size_limit = 8388608');
  // Waiting inside SQLite would hold up the event loop: the callers wait outside.
  database.exec('PRAGMA busy_timeout = 0');
  if (schemaVersion(database) === 0) {
    database.exec('BEGIN IMMEDIATE');
    try {
      if (schemaVersion(database) === 0) database.exec(SCHEMA);
      database.exec('COMMIT');
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw thrown;
    }
  }
  const version = schemaVersion(database);
  if (version !== SCHEMA_VERSION) {
    throw new SoundstageError(
      'INTERNAL',
      `${file} has layout ${version}, this program reads layout ${SCHEMA_VERSION}: drain it with the program that made it, or move it away.`,
      {
        retryable: false,
      },
    );
  }
  database.exec(CLOCK_SCHEMA);
  noteBoot(database);
}

function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}
