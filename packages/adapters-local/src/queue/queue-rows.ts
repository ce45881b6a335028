import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/** A message as it is leased. */
export interface LeasedRow {
  id: number;
  lease: string;
  body: string;
  attributes: Record<string, string>;
  publishedMs: number;
  failures: number;
  /** Times that it was leased and not put back, this one included. */
  deliveries: number;
}

export interface RowLimits {
  maxDeliveries: number;
  deadLetterDays: number;
  maxDeadLetters: number;
}

export type QueueRows = ReturnType<typeof prepareRows>;

/**
 * The statements of the queue, prepared once. Those that write are to be called inside a transaction; each is short.
 * All times are milliseconds since 1970.
 */
export function prepareRows(database: DatabaseSync, limits: RowLimits) {
  const insert = database.prepare(
    'INSERT INTO message (topic, body, attributes, published_ms, due_ms) VALUES (?, ?, ?, ?, ?)',
  );
  const look = database.prepare(`
    SELECT EXISTS (SELECT 1 FROM message WHERE topic = ?1 AND due_ms IS NULL) AS ready,
      (SELECT min(due_ms) FROM message WHERE topic = ?1 AND due_ms IS NOT NULL) AS next_ms`);
  const abandoned = database.prepare(`
    SELECT id FROM message WHERE topic = ? AND due_ms <= ? AND lease IS NOT NULL AND deliveries >= ?`);
  const release = database.prepare('UPDATE message SET due_ms = NULL WHERE topic = ? AND due_ms <= ?');
  const lease = database.prepare(`
    UPDATE message SET lease = ?, due_ms = ?, deliveries = deliveries + 1
    WHERE id IN (SELECT id FROM message WHERE topic = ? AND due_ms IS NULL ORDER BY id LIMIT ?)
    RETURNING id, body, attributes, published_ms, failures, deliveries`);
  const acknowledge = database.prepare('DELETE FROM message WHERE id = ? AND lease = ?');
  const extend = database.prepare('UPDATE message SET due_ms = ? WHERE id = ? AND lease = ? AND due_ms > ?');
  const putBack = database.prepare(`
    UPDATE message SET lease = NULL, due_ms = ?, failures = failures + ?, deliveries = deliveries - ? WHERE id = ? AND lease = ?`);
  const bury = database.prepare(`
    INSERT INTO dead_letter (id, topic, body, attributes, attempts, reason, died_ms)
    SELECT id, topic, body, attributes, failures + ?, ?, ? FROM message WHERE id = ? AND lease = ? RETURNING topic`);
  const buryAbandoned = database.prepare(`
    INSERT INTO dead_letter (id, topic, body, attributes, attempts, reason, died_ms)
    SELECT id, topic, body, attributes, failures, ?, ? FROM message WHERE id = ?`);
  const remove = database.prepare('DELETE FROM message WHERE id = ?');
  const forgetOld = database.prepare('DELETE FROM dead_letter WHERE topic = ? AND died_ms < ?');
  const forgetMany = database.prepare(`
    DELETE FROM dead_letter WHERE topic = ?1 AND position <=
      (SELECT position FROM dead_letter WHERE topic = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)`);
  const deadLetters = database.prepare(`
    SELECT position, id, body, attributes, attempts, reason, died_ms FROM dead_letter WHERE topic = ? ORDER BY position LIMIT ?`);
  const removeDead = database.prepare('DELETE FROM dead_letter WHERE position = ?');
  const count = database.prepare(`
    SELECT
      (SELECT count(*) FROM message WHERE topic = ?1 AND due_ms IS NULL) AS ready,
      (SELECT count(*) FROM message WHERE topic = ?1 AND due_ms IS NOT NULL AND lease IS NULL) AS delayed,
      (SELECT count(*) FROM message WHERE topic = ?1 AND due_ms IS NOT NULL AND lease IS NOT NULL) AS leased,
      (SELECT count(*) FROM dead_letter WHERE topic = ?1) AS dead,
      (SELECT published_ms FROM message WHERE topic = ?1 AND due_ms IS NULL ORDER BY id LIMIT 1) AS oldest_ms`);

  /** Dead letters are kept for a time and up to a number, so that the file can't grow for ever. */
  function forget(topic: string, nowMs: number): void {
    forgetOld.run(topic, nowMs - limits.deadLetterDays * 86_400_000);
    forgetMany.run(topic, limits.maxDeadLetters);
  }

  return {
    insert(
      topic: string,
      body: string,
      attributes: Record<string, string>,
      nowMs: number,
      dueMs: number | null,
    ): number {
      return Number(insert.run(topic, body, JSON.stringify(attributes), nowMs, dueMs).lastInsertRowid);
    },

    /** Whether something is ready, and when the next message that isn't will be. Only reads: never waits for a lock. */
    look(topic: string): { ready: boolean; nextMs: number | undefined } {
      const row = look.get(topic)!;
      return { ready: row['ready'] === 1, nextMs: (row['next_ms'] as number | null) ?? undefined };
    },

    /** Makes messages ready whose delay or lease has ended, and buries those that were abandoned too often. */
    release(topic: string, nowMs: number): void {
      const poison = abandoned.all(topic, nowMs, limits.maxDeliveries);
      for (const { id } of poison) {
        const reason = `It was delivered ${limits.maxDeliveries} times, and each time its lease ended without an answer: it may kill the process that works on it.`;
        buryAbandoned.run(reason, nowMs, id as number);
        remove.run(id as number);
      }
      if (poison.length > 0) forget(topic, nowMs);
      release.run(topic, nowMs);
    },

    lease(topic: string, max: number, untilMs: number): LeasedRow[] {
      const token = randomBytes(8).toString('hex');
      const rows = lease.all(token, untilMs, topic, max);
      return rows
        .map((row) => ({
          id: row['id'] as number,
          lease: token,
          body: row['body'] as string,
          attributes: JSON.parse(row['attributes'] as string) as Record<string, string>,
          publishedMs: row['published_ms'] as number,
          failures: row['failures'] as number,
          deliveries: row['deliveries'] as number,
        }))
        .sort((a, b) => a.id - b.id);
    },

    acknowledge(row: LeasedRow): boolean {
      return acknowledge.run(row.id, row.lease).changes === 1;
    },

    extend(row: LeasedRow, nowMs: number, untilMs: number): boolean {
      return extend.run(untilMs, row.id, row.lease, nowMs).changes === 1;
    },

    /** A disruption gives the delivery back: only what was abandoned counts towards `maxDeliveries`. */
    putBack(row: LeasedRow, failed: boolean, dueMs: number | null): boolean {
      return putBack.run(dueMs, failed ? 1 : 0, failed ? 0 : 1, row.id, row.lease).changes === 1;
    },

    bury(row: LeasedRow, reason: string, nowMs: number): boolean {
      const buried = bury.get(1, reason, nowMs, row.id, row.lease);
      if (buried === undefined) return false;
      remove.run(row.id);
      forget(buried['topic'] as string, nowMs);
      return true;
    },

    deadLetters(topic: string, limit: number) {
      return deadLetters.all(topic, limit).map((row) => ({
        position: row['position'] as number,
        id: String(row['id']),
        body: row['body'] as string,
        attributes: JSON.parse(row['attributes'] as string) as Record<string, string>,
        attempts: row['attempts'] as number,
        reason: row['reason'] as string,
        diedAt: new Date(row['died_ms'] as number),
      }));
    },

    removeDead(position: number): void {
      removeDead.run(position);
    },

    count(topic: string) {
      const row = count.get(topic)!;
      return {
        ready: row['ready'] as number,
        delayed: row['delayed'] as number,
        leased: row['leased'] as number,
        dead: row['dead'] as number,
        oldestMs: (row['oldest_ms'] as number | null) ?? undefined,
      };
    },
  };
}
