import { badInput, SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import type { Delivery, PullOptions, Queue } from '@soundstage/core';
import { checkMessage, checkMs, checkPull, checkTopic } from '@soundstage/core/ports';
import { isBusy, sqliteError } from '../sqlite-errors.js';
import { createArrivals } from './arrivals.js';
import { bootClock } from './boot-clock.js';
import { createGroupCommit } from './group-commit.js';
import { openQueueFile } from './queue-file.js';
import { prepareRows, type LeasedRow } from './queue-rows.js';

export interface SqliteQueueOptions {
  /** The queue file; it and its folder are made where there is none. On a local disk, not a network one. */
  file: string;
  /** Failed attempts until a message becomes a dead letter. Default 5. */
  maxAttempts?: number;
  /** Leases that end without an answer until a message becomes a dead letter: it kills its workers. Default 20. */
  maxDeliveries?: number;
  /** Dead letters are forgotten after so many days. Default 30. */
  deadLetterDays?: number;
  /** Dead letters of one topic beyond this number are forgotten, oldest first. Default 10,000. */
  maxDeadLetters?: number;
  /** Milliseconds since 1970. Default: one that goes on evenly when the machine's clock is set. */
  clock?: () => number;
}

/** How often a waiting pull looks whether another process has published: from often to seldom. */
const LOOK_FIRST_MS = 10;
const LOOK_LAST_MS = 200;

/**
 * A durable queue in a SQLite file that several processes may share. Calls that come at once share one commit. A
 * message whose worker was killed comes again when its lease ends, and that spends no attempt.
 *
 * @throws UNAVAILABLE when the file can't be opened; INTERNAL when it isn't a queue file
 */
export function createSqliteQueue(options: SqliteQueueOptions): Queue {
  const { file, maxAttempts = 5, maxDeliveries = 20, deadLetterDays = 30, maxDeadLetters = 10_000 } = options;
  const database = openQueueFile(file);
  const clock = options.clock ?? bootClock(database);
  const rows = prepareRows(database, { maxDeliveries, deadLetterDays, maxDeadLetters });
  const commits = createGroupCommit(database, file);
  const arrivals = createArrivals();
  const inFlight = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  function write<T>(work: () => T): Promise<T> {
    if (closing !== undefined) return Promise.reject(closed(file));
    return commits.run(work);
  }

  /** Lets `close` wait for calls that are more than one commit. */
  function track<T>(call: () => Promise<T>): Promise<T> {
    if (closing !== undefined) return Promise.reject(closed(file));
    const running = call().finally(() => inFlight.delete(running));
    inFlight.add(running);
    return running;
  }

  /** How long until something can be pulled, as far as one can tell: 0 now, undefined when nothing is in sight. */
  function readyInMs(topic: string): number | undefined {
    try {
      const { ready, nextMs } = rows.look(topic);
      if (ready) return 0;
      return nextMs === undefined ? undefined : Math.max(0, nextMs - clock());
    } catch (thrown) {
      // Another process is just opening or closing the file.
      if (isBusy(thrown)) return undefined;
      throw sqliteError(thrown, file);
    }
  }

  async function pullRows(topic: string, { max, leaseMs, waitMs = 0, signal }: PullOptions): Promise<LeasedRow[]> {
    // Waiting is done in real time, whatever clock the leases follow.
    const deadlineMs = performance.now() + waitMs;
    let lookAgainMs = LOOK_FIRST_MS;
    for (;;) {
      throwIfAborted(signal);
      const inMs = readyInMs(topic);
      if (inMs === 0) {
        const leased = await commits.run(() => {
          if (signal?.aborted) return [];
          const nowMs = clock();
          rows.release(topic, nowMs);
          return rows.lease(topic, max, nowMs + leaseMs);
        });
        if (leased.length > 0) return leased;
        throwIfAborted(signal);
      }
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 || closing !== undefined) return [];
      await arrivals.wait(topic, Math.max(1, Math.min(leftMs, lookAgainMs, inMs || Infinity)), signal);
      if (closing !== undefined) return [];
      lookAgainMs = Math.min(lookAgainMs * 2, LOOK_LAST_MS);
    }
  }

  function delivery(topic: string, row: LeasedRow): Delivery {
    const attempt = row.failures + 1;
    return {
      id: String(row.id),
      body: row.body,
      attributes: row.attributes,
      attempt,
      // A failed attempt was an answer.
      lapses: row.deliveries - 1 - row.failures,
      publishedAt: new Date(row.publishedMs),
      ack: () => write(() => rows.acknowledge(row)),
      async nack({ failed, delayMs = 0 }) {
        checkMs(delayMs, 'delayMs');
        const done = await write(() => {
          const nowMs = clock();
          if (failed && attempt >= maxAttempts) return rows.bury(row, failed.reason, nowMs);
          return rows.putBack(row, failed !== undefined, delayMs > 0 ? nowMs + Math.ceil(delayMs) : null);
        });
        arrivals.announce(topic);
        return done;
      },
      async extend(leaseMs) {
        checkMs(leaseMs, 'leaseMs');
        return write(() => {
          const nowMs = clock();
          return rows.extend(row, nowMs, nowMs + Math.ceil(leaseMs));
        });
      },
      deadLetter: (reason) => write(() => rows.bury(row, reason, clock())),
    };
  }

  return {
    async publish(topic, messages) {
      checkTopic(topic);
      messages.forEach(checkMessage);
      if (messages.length === 0) return [];
      const ids = await write(() => {
        const nowMs = clock();
        return messages.map(({ body, attributes = {}, delayMs = 0 }) =>
          String(rows.insert(topic, body, attributes, nowMs, delayMs > 0 ? nowMs + Math.ceil(delayMs) : null)),
        );
      });
      arrivals.announce(topic);
      return ids;
    },

    async pull(topic, pullOptions) {
      checkTopic(topic);
      checkPull(pullOptions);
      const leased = await track(() => pullRows(topic, { ...pullOptions, leaseMs: Math.ceil(pullOptions.leaseMs) }));
      return leased.map((row) => delivery(topic, row));
    },

    async stats(topic) {
      checkTopic(topic);
      const count = await write(() => {
        rows.release(topic, clock());
        return rows.count(topic);
      });
      const { oldestMs, ...counts } = count;
      return { ...counts, oldestReadyAgeS: oldestMs === undefined ? 0 : Math.max(0, clock() - oldestMs) / 1000 };
    },

    async deadLetters(topic, { replay = false, limit = 1000 } = {}) {
      checkTopic(topic);
      if (!Number.isInteger(limit) || limit < 1)
        throw badInput(`limit is ${limit}: ask for 1 or more dead letters.`, 'limit');
      const letters = await write(() => {
        const nowMs = clock();
        rows.release(topic, nowMs);
        const found = rows.deadLetters(topic, limit);
        if (replay) {
          for (const { position, body, attributes } of found) {
            rows.insert(topic, body, attributes, nowMs, null);
            rows.removeDead(position);
          }
        }
        return found;
      });
      if (replay) arrivals.announce(topic);
      return letters.map(({ position: _, ...letter }) => letter);
    },

    close() {
      closing ??= (async () => {
        await Promise.resolve();
        arrivals.announce();
        await Promise.allSettled([...inFlight]);
        await commits.idle();
        database.close();
      })();
      return closing;
    },
  };
}

function closed(file: string): SoundstageError {
  return new SoundstageError('UNAVAILABLE', `The queue ${file} has been closed: open it again.`);
}
