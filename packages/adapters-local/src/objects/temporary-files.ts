import { randomBytes } from 'node:crypto';
import { readdir, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { identify, isAlive } from '../process-identity.js';

const OLD_MS = 24 * 3600 * 1000;
const self = identify(process.pid)!;
// Containers that share a volume have process numbers of their own: the host's name tells whose number it is.
const host = hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-');

/** A name for a file that this process is writing: it tells whose it is, so that others can sweep it up. */
export function temporaryName(): string {
  return [host, self.bootId, self.pid, self.startTicks, randomBytes(8).toString('hex')].join('_');
}

/** Removes what killed processes left half written: the files of dead processes of this host, and those a day old. */
export async function sweepTemporaryFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    const [owner, bootId = '', pid, startTicks = ''] = name.split('_');
    const orphaned = owner === host && !isAlive({ pid: Number(pid), startTicks, bootId });
    const old = async () => Date.now() - ((await stat(file).catch(() => undefined))?.mtimeMs ?? Date.now()) > OLD_MS;
    if (orphaned || (await old())) await unlink(file).catch(() => undefined);
  }
}
