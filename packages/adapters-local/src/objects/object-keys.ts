import { join } from 'node:path';

/**
 * The end of an object's file name. `@` can't be in a key, so the object `a` and the folder of `a/b` never collide;
 * the digit names the layout of the file.
 */
const SUFFIX = '@1';

/** Where the object of a valid key lies. */
export function objectFile(root: string, key: string): string {
  return join(root, key + SUFFIX);
}

/** The last part of a key, from the name of its file; undefined for a folder or a stranger. */
export function keyOfFileName(name: string): string | undefined {
  return name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : undefined;
}
