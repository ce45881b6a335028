import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { badInput } from '@soundstage/core';

const LONGEST_NAME_BYTES = 255;

/**
 * Refuses outputs that lie over an input, that exist (unless `force`), or that can't be written.
 *
 * Throws SoundstageError BAD_INPUT with what to do.
 */
export async function refuseOutputs(
  paths: readonly string[],
  options: { inputs: readonly string[]; force: boolean },
): Promise<void> {
  for (const path of paths) {
    if (Buffer.byteLength(basename(path)) > LONGEST_NAME_BYTES)
      throw badInput(`The name ${path} is too long: choose a shorter one with -o.`, 'output');
    await refuseFolder(dirname(path));
    const there = await stat(path).catch(() => undefined);
    if (there === undefined) continue;
    for (const input of options.inputs) {
      const read = await stat(input).catch(() => undefined);
      if (read !== undefined && read.dev === there.dev && read.ino === there.ino)
        throw badInput(`${path} is the input itself: choose another output with -o.`, 'output');
    }
    if (there.isDirectory()) throw badInput(`${path} is a folder: choose another name with -o.`, 'output');
    if (!options.force)
      throw badInput(`${path} exists: choose another name with -o, or overwrite it with --force.`, 'output');
  }
}

async function refuseFolder(folder: string): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there === undefined)
    throw badInput(`The folder ${folder} doesn't exist: make it, or choose another with -o.`, 'output');
  if (!there.isDirectory()) throw badInput(`${folder} isn't a folder: choose another output with -o.`, 'output');
  const writable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writable)
    throw badInput(`The folder ${folder} may not be written by this user: choose another with -o.`, 'output');
}
