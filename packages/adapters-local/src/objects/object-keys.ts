import { join } from 'node:path';
import { badInput } from '@soundstage/core/errors';

const SEGMENT = /^[A-Za-z0-9._=-]{1,200}$/;

/**
 * The end of an object's file name. `@` can't be in a key, so the object `a` and the folder of `a/b` never collide;
 * the digit names the layout of the file.
 */
const SUFFIX = '@1';

/** @throws BAD_INPUT for a key that could lead out of the store or that another adapter would refuse */
export function checkKey(key: string): void {
  const valid =
    key.length <= 512 &&
    key.split('/').every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..');
  if (!valid) {
    throw badInput(
      `${JSON.stringify(key.slice(0, 100))} can't be a key: use letters, digits and . _ = - in parts joined by "/", at most 512 characters in all and 200 in a part.`,
      'key',
    );
  }
}

/** Where the object of a valid key lies. */
export function objectFile(root: string, key: string): string {
  return join(root, key + SUFFIX);
}

/** The last part of a key, from the name of its file; undefined for a folder or a stranger. */
export function keyOfFileName(name: string): string | undefined {
  return name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : undefined;
}
