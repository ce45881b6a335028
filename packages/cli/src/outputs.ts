import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { badInput, type SoundstageError } from '@soundstage/core';

const LONGEST_NAME_BYTES = 255;

/**
 * Refuses outputs that lie over an input, that exist (unless `force`), or that can't be written.
 *
 * @param options.option what they were named with on the command line; `-o` by default
 *
 * Throws SoundstageError BAD_INPUT with what to do.
 */
export async function refuseOutputs(
  paths: readonly string[],
  options: { inputs: readonly string[]; force: boolean; option?: '-o' | '--report' | '--csv' },
): Promise<void> {
  const { option = '-o' } = options;
  const refused = (sentence: string) => badInput(sentence, option === '-o' ? 'output' : option.slice(2));
  for (const path of paths) {
    if (Buffer.byteLength(basename(path)) > LONGEST_NAME_BYTES)
      throw refused(`The name ${path} is too long: choose a shorter one with ${option}.`);
    await refuseFolder(dirname(path), option, refused);
    const there = await stat(path).catch(() => undefined);
    if (there === undefined) continue;
    for (const input of options.inputs) {
      const read = await stat(input).catch(() => undefined);
      if (read !== undefined && read.dev === there.dev && read.ino === there.ino)
        throw refused(`${path} is the input itself: choose another output with ${option}.`);
    }
    if (there.isDirectory()) throw refused(`${path} is a folder: choose another name with ${option}.`);
    if (!options.force)
      throw refused(`${path} exists: choose another name with ${option}, or overwrite it with --force.`);
  }
}

async function refuseFolder(
  folder: string,
  option: string,
  refused: (sentence: string) => SoundstageError,
): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there === undefined)
    throw refused(`The folder ${folder} doesn't exist: make it, or choose another with ${option}.`);
  if (!there.isDirectory()) throw refused(`${folder} isn't a folder: choose another output with ${option}.`);
  const writable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writable) throw refused(`The folder ${folder} may not be written by this user: choose another with ${option}.`);
}
