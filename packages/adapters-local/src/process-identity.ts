import { readFileSync } from 'node:fs';

/**
 * Names one process among all that ever ran on this machine. The number alone doesn't: it is used again, soon after
 * a restart for example.
 */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks from the machine's start to the process's start: field 22 of /proc/PID/stat, proc_pid_stat(5). */
  startTicks: string;
  /** The machine's start, from /proc/sys/kernel/random/boot_id. */
  bootId: string;
}

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** The identity of a process that runs now, or undefined where there is none. A zombie doesn't run. */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name in field 2 may hold spaces and parentheses: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTicks: fields[19]!, bootId };
}

/** Whether that very process runs now, and no other that got its number. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId || !(identity.pid > 0)) return false;
  return identify(identity.pid)?.startTicks === identity.startTicks;
}
