import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { badInput, SoundstageError } from '@soundstage/core';
import { shownName } from './media-file.js';

/**
 * Makes a file under a temporary name in the folder of its target and renames it when `write` has succeeded, so that
 * the target is never there by half. Nothing is left behind on failure. An existing target is replaced.
 * Throws BAD_INPUT where the folder can't be written or the target is one of `inputs`.
 */
export async function writeNewFile<T>(
  outputPath: string,
  inputs: readonly string[],
  write: (temporaryPath: string) => Promise<T>,
): Promise<T> {
  const target = resolve(outputPath);
  const name = shownName(outputPath);
  for (const input of inputs) {
    if (await isSameFile(input, target))
      throw badInput(`${name} is the input itself: choose another output.`, 'outputPath');
  }
  if (Buffer.byteLength(basename(target)) > 255) throw badInput(`The name ${name} is too long.`, 'outputPath');
  const temporary = join(dirname(target), `.soundstage-${randomBytes(6).toString('hex')}${extname(target)}`);
  try {
    const handle = await open(temporary, 'wx');
    await handle.close();
    const result = await write(temporary);
    const written = await open(temporary, 'r+');
    await written.sync().finally(() => written.close());
    await rename(temporary, target);
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw outputError(error, name);
  }
}

async function isSameFile(input: string, target: string): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([stat(input), stat(target)]);
    return (one.dev === other.dev && one.ino === other.ino) || (await realpath(input)) === (await realpath(target));
  } catch {
    return false;
  }
}

function outputError(error: unknown, name: string): SoundstageError {
  if (error instanceof SoundstageError) return error;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return badInput(`The folder for ${name} doesn't exist.`, 'outputPath', error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return badInput(`${name} may not be written there by this user.`, 'outputPath', error);
    case 'EISDIR':
    case 'ENOTEMPTY':
      return badInput(`${name} is a folder.`, 'outputPath', error);
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
      return badInput(`${name} isn't a name that can be written.`, 'outputPath', error);
    default:
      return SoundstageError.from(error);
  }
}
