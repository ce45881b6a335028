import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** So often the time since the machine's start is read anew: it goes on while a machine sleeps, Node's own doesn't. */
const READ_EVERY_MS = 1000;

/** When this machine was started, by its clock of the time when the first process of this start opened the file. */
export const CLOCK_SCHEMA = `
  CREATE TABLE IF NOT EXISTS clock (boot TEXT PRIMARY KEY, started_ms INTEGER NOT NULL) STRICT;
`;

/** Notes the machine's start, once for all processes. May find the file locked, as any write may. */
export function noteBoot(database: DatabaseSync): void {
  const boot = bootId();
  if (boot === undefined || database.prepare('SELECT 1 FROM clock WHERE boot = ?').get(boot) !== undefined) return;
  database.prepare('INSERT OR IGNORE INTO clock VALUES (?, ?)').run(boot, Math.round(Date.now() - sinceBootMs()!));
  database.prepare('DELETE FROM clock WHERE boot <> ?').run(boot);
}

/**
 * A clock for all processes that share a queue file, which nobody can set: the time since the machine's start, plus
 * when that was. So a lease ends when it should, however the machine's clock is set meanwhile; after a restart of the
 * machine that one counts anew.
 *
 * @returns milliseconds since 1970; where there is no /proc, the machine's clock itself
 */
export function bootClock(database: DatabaseSync): () => number {
  const boot = bootId();
  const noted =
    boot === undefined ? undefined : database.prepare('SELECT started_ms FROM clock WHERE boot = ?').get(boot);
  if (noted === undefined) return Date.now;
  const startedMs = Number(noted['started_ms']);
  let last = { bootMs: sinceBootMs()!, nodeMs: performance.now() };
  return () => {
    const nodeMs = performance.now();
    if (nodeMs - last.nodeMs > READ_EVERY_MS) last = { bootMs: sinceBootMs() ?? last.bootMs, nodeMs };
    return Math.round(startedMs + last.bootMs + nodeMs - last.nodeMs);
  };
}

/** Undefined where the machine doesn't tell. */
function bootId(): string | undefined {
  return sinceBootMs() === undefined ? undefined : read('/proc/sys/kernel/random/boot_id')?.trim();
}

function sinceBootMs(): number | undefined {
  const seconds = Number(read('/proc/uptime')?.split(' ')[0]);
  return seconds > 0 ? seconds * 1000 : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
