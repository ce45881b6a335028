import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { badInput } from '@soundstage/core';

/** The path of a dataset by its name. @throws BAD_INPUT when it isn't a folder inside the launcher's */
export async function findDatasetFolder(root: string, name: string): Promise<string> {
  const shown = JSON.stringify(name.slice(0, 100));
  if (!name || name.includes('\0') || isAbsolute(name) || name.split(/[/\\]/).includes('..')) {
    throw badInput(
      `${shown} is not a folder inside the launcher's: give a path relative to it, without "..".`,
      'spec.folder',
    );
  }
  const real = await realpath(join(root, name)).catch((error: unknown) => {
    throw badInput(`There is no dataset ${shown}.`, 'spec.folder', error);
  });
  if (!`${real}${sep}`.startsWith(`${await realpath(root)}${sep}`)) {
    throw badInput(`The dataset ${shown} leads out of the launcher's folder.`, 'spec.folder');
  }
  if (!(await stat(real)).isDirectory()) throw badInput(`The dataset ${shown} is not a folder.`, 'spec.folder');
  return real;
}
