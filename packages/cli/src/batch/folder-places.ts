import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { badInput } from '@soundstage/core';
import { HALF_WRITTEN, writeWhole } from '../write-whole.js';
import { BATCH_FOLDER, findInputs, type BatchInput } from './find-inputs.js';
import { lockFolder } from './lock.js';
import type { BatchSource, BatchTarget } from './places.js';

/** The files below a folder that a job takes. */
export function folderSource(folder: string): BatchSource {
  return {
    address: folder,
    find: (target, wanted) => findInputs(folder, target.folder, wanted),
    take: async ({ path }) => ({ path, release: async () => undefined }),
  };
}

/** A folder for results. */
export function folderTarget(path: string): BatchTarget {
  const folder = resolve(path);
  return {
    address: folder,
    folder,
    isNear: true,
    addressOf: (file) => join(folder, file),
    async there(files) {
      const found = await Promise.all(files.map((file) => stat(join(folder, file)).catch(() => undefined)));
      return files.filter((_, index) => found[index] !== undefined);
    },
    keep: async () => undefined,
    clear: async () => undefined,
    read: (file) => readFile(join(folder, file), 'utf8').catch(() => undefined),
    async write(file, text) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeWhole(join(folder, file), text);
    },
    remove: (file) => rm(join(folder, file), { force: true }),
    async lock(inputs) {
      await mkdir(join(folder, BATCH_FOLDER), { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
        const why = cause.code ?? cause.message;
        throw badInput(`${folder} can't be written (${why}): choose another folder with -o.`, 'output');
      });
      const lock = await lockFolder(folder);
      await removeHalfWritten(folder, inputs);
      return lock;
    },
  };
}

/**
 * A folder for the results of another.
 *
 * @param job what a folder for them could be called
 * @throws BAD_INPUT where it is a file, or the folder of the inputs itself
 */
export async function checkedFolderTarget(path: string, inputFolder: string, job: string): Promise<BatchTarget> {
  const target = folderTarget(path);
  const there = await stat(target.folder).catch(() => undefined);
  if (there !== undefined && !there.isDirectory())
    throw badInput(`${target.folder} is a file: choose a folder with -o.`, 'output');
  const given = await stat(inputFolder).catch(() => undefined);
  if (there !== undefined && given !== undefined && there.dev === given.dev && there.ino === given.ino)
    throw badInput(
      `The results can't go into the folder of the inputs: choose another with -o, for example ${join(inputFolder, job)}.`,
      'output',
    );
  return target;
}

/** A killed run leaves half a file under a hidden name; nobody else writes here, since the folder is locked. */
async function removeHalfWritten(folder: string, inputs: readonly BatchInput[]): Promise<void> {
  const folders = new Set([folder, ...inputs.map(({ name }) => join(folder, dirname(name)))]);
  for (const each of folders)
    for (const name of await readdir(each).catch(() => []))
      if (HALF_WRITTEN.test(name)) await rm(join(each, name), { force: true });
}
