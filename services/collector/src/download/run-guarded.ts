import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '@soundstage/core';
import { refuse } from '../refusal.js';

export interface Guards {
  /** What is worked on, as shown in errors. */
  subject: string;
  /** The working folder; all that the program writes is counted here. */
  folder: string;
  /** Its HOME and temporary folder. */
  home: string;
  maxBytes: number;
  maxSeconds: number;
  signal: AbortSignal;
}

/** How long the program may take to stop by itself. */
const GRACE_MS = 2000;
const WEIGH_EVERY_MS = 500;
const KEPT_LETTERS = 64 * 1024;

/**
 * Runs a program that isn't ours, with what it starts in a process group of its own. The whole group is ended when the
 * caller cancels, when it takes too long or when it writes too much; and what is left of it when the program ends.
 *
 * @returns its exit code, and the end of what it wrote to stdout and stderr
 * @throws the signal's reason; refusals `too_slow`, `too_large`, `downloader_failed`
 */
export async function runGuarded(
  program: string,
  args: readonly string[],
  { subject, folder, home, maxBytes, maxSeconds, signal }: Guards,
): Promise<{ code: number | null; said: string }> {
  throwIfAborted(signal);
  const child = spawn(program, args, {
    cwd: folder,
    // A group of its own, so that what it starts (ffmpeg) ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: home, LC_ALL: 'C.UTF-8', PYTHONUNBUFFERED: '1' },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT_LETTERS);
    });
  }
  let stopped: Error | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (reason: Error) => {
    if (stopped) return;
    stopped = reason;
    signalGroup(child.pid, 'SIGTERM');
    killTimer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE_MS);
  };
  const onAbort = () => stop(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  const late = setTimeout(
    () => stop(refuse('too_slow', `The download of ${subject} took longer than the limit of ${maxSeconds} s.`)),
    maxSeconds * 1000,
  );
  const scale = setInterval(() => {
    void weigh(folder).then((bytes) => {
      if (bytes <= maxBytes) return;
      stop(refuse('too_large', `The download of ${subject} has more than the limit of ${maxBytes} bytes.`));
    });
  }, WEIGH_EVERY_MS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      // What it leaves behind would hold the pipes open, and go on writing.
      child.once('exit', () => signalGroup(child.pid, 'SIGKILL'));
      child.once('close', (code) => resolve(code));
    }).catch((error: unknown) => {
      throw refuse('downloader_failed', `${program} couldn't be started.`, { cause: error });
    });
    if (stopped !== undefined) throw stopped;
    return { code, said };
  } finally {
    clearTimeout(killTimer);
    clearTimeout(late);
    clearInterval(scale);
    signal.removeEventListener('abort', onAbort);
  }
}

function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // All of it has ended.
  }
}

/** Bytes of all files below a folder. */
async function weigh(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
