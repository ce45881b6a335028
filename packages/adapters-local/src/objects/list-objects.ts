import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SoundstageError } from '@soundstage/core/errors';
import { isMissing } from './object-file.js';
import { keyOfFileName } from './object-keys.js';

/**
 * The keys below `root` that start with `prefix` and come after `after`, in byte order. Folders that can't hold one
 * aren't opened, so a page costs about what it shows.
 */
export async function* listKeys(root: string, prefix: string, after: string): AsyncGenerator<string> {
  yield* listFolder('');

  async function* listFolder(folder: string): AsyncGenerator<string> {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((thrown: unknown) => {
      if (isMissing(thrown)) return [];
      throw SoundstageError.from(thrown);
    });
    // A folder counts with its "/", because that is how the keys in it go on: "a-b" < "a/b" < "a0".
    const found = entries
      .map((entry) => (entry.isDirectory() ? `${folder}${entry.name}/` : folderKey(folder, entry.name)))
      .filter((path) => path !== undefined)
      .sort((a, b) => (a < b ? -1 : 1));
    for (const path of found) {
      if (path.endsWith('/')) {
        const mayMatch = path.startsWith(prefix) || prefix.startsWith(path);
        const allBefore = path < after && !after.startsWith(path);
        if (mayMatch && !allBefore) yield* listFolder(path);
      } else if (path.startsWith(prefix) && path > after) {
        yield path;
      }
    }
  }
}

function folderKey(folder: string, fileName: string): string | undefined {
  const last = keyOfFileName(fileName);
  return last === undefined ? undefined : folder + last;
}
