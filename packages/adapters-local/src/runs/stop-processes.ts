import { readdirSync, readFileSync } from 'node:fs';
import { identify, isAlive, type ProcessIdentity } from '../process-identity.js';

/** The environment variable that marks the processes of a run. */
export const MARK_NAME = 'SOUNDSTAGE_RUN_MARK';

/**
 * Sends a signal to a program's process group and to every other process that carries the run's mark: children that
 * made a group of their own, or that outlived the group's leader. A process that only has the number of one of them
 * is never touched.
 *
 * @returns how many processes carry the mark
 */
export function signalRun(mark: string, program: ProcessIdentity | undefined, signal: NodeJS.Signals): number {
  if (program && isAlive(program)) signalGroup(program.pid, signal);
  const marked = processesOf(mark);
  for (const process of marked) if (isAlive(process)) trySignal(process.pid, signal);
  return marked.length;
}

/** Signals what is left of a process group. Its number isn't given to others as long as it has a member. */
export function signalGroup(leaderPid: number, signal: NodeJS.Signals): void {
  trySignal(-leaderPid, signal);
}

/** Signals a process if it is still the one that is meant. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isAlive(identity)) trySignal(identity.pid, signal);
}

/** The processes that carry the mark; other people's can't be read and aren't ours. */
export function processesOf(mark: string): ProcessIdentity[] {
  const wanted = `${MARK_NAME}=${mark}`;
  const found: ProcessIdentity[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // Who is seen with the mark and identified after it may be another; who is identified twice alike is not.
      const before = identify(Number(name));
      if (!before || !readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(wanted)) continue;
      if (isAlive(before)) found.push(before);
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return found;
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
