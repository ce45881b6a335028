import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SoundstageError } from '@soundstage/core';
import { BATCH_FOLDER } from './find-inputs.js';

/**
 * Keeps other batches out of a folder of results until `release`. A lock whose process is gone is taken over.
 *
 * Throws SoundstageError CONFLICT where another batch is at work there.
 */
export async function lockFolder(outputFolder: string): Promise<{ release: () => Promise<void> }> {
  const path = join(outputFolder, BATCH_FOLDER, 'lock');
  await mkdir(join(outputFolder, BATCH_FOLDER), { recursive: true });
  const own = `${process.pid} ${hostname()}\n`;
  for (let attempt = 1; ; attempt++) {
    try {
      await writeFile(path, own, { flag: 'wx' });
      return { release: () => rm(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (attempt > 1 || isAtWork(holder))
      throw new SoundstageError(
        'CONFLICT',
        `Another batch writes to ${outputFolder} (process ${holder.trim() || 'unknown'}): wait for it, or delete ${path} if there is none.`,
      );
    await rm(path, { force: true });
  }
}

function isAtWork(holder: string): boolean {
  const [, pid, host] = /^(\d+) (\S+)/.exec(holder) ?? [];
  if (pid === undefined || host !== hostname()) return pid !== undefined; // on another machine: nobody can tell
  if (Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
