import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunOutcome } from '@soundstage/core';
import { identify, isAlive } from '../process-identity.js';
import type { RunFolder } from './run-folder.js';
import { signalRun } from './stop-processes.js';

/** A supervisor that hasn't come forward after so long won't. */
const START_LIMIT_MS = 20_000;

/**
 * Finds out how a run ended, or that it goes on (undefined). A run whose supervisor was killed or that the machine's
 * restart took away is ended here: what is left of it is killed, and the outcome written down for all.
 */
export async function settleRun(folder: RunFolder): Promise<RunOutcome | undefined> {
  const end = folder.end();
  if (end) return end;
  const plan = folder.plan();
  if (!plan) return undefined;
  let supervisor = folder.supervisor();
  if (!supervisor) {
    if (Date.now() - statSync(join(folder.path, 'plan.json')).mtimeMs < START_LIMIT_MS) return undefined;
    // With the place taken in the name of nobody, a supervisor that comes after all goes away again.
    folder.claim({ ...identify(process.pid)!, pid: 0 });
    supervisor = folder.supervisor();
  }
  if (supervisor && isAlive(supervisor)) return undefined;
  // It may have written the end just before it ended itself.
  if (!folder.end()) {
    // More than once: they may be starting others. Not for ever: one that hangs in the kernel can't be killed.
    for (let tries = 0; tries < 100 && signalRun(plan.mark, folder.program(), 'SIGKILL') > 0; tries++) await sleep(20);
    folder.recordEnd({ state: folder.cancelWanted() ? 'cancelled' : 'disrupted' });
  }
  return folder.end();
}
