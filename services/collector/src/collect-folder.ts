import { constants } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { badInput } from '@soundstage/core';
import { refuse } from './refusal.js';

/** @throws BAD_INPUT for a path that can't lie inside a folder, by its letters alone */
export function checkRelativePath(path: string, field: string): void {
  const parts = path.split(/[/\\]/);
  if (path === '' || path.length > 1000 || path.includes('\0') || isAbsolute(path) || parts.includes('..')) {
    throw badInput(
      `${JSON.stringify(path.slice(0, 100))} is not a path inside the collector's folder: give one relative to it, without "..".`,
      field,
    );
  }
}

/**
 * Opens a file inside a folder for reading. Links may lead to another place in the folder, but not out of it: what was
 * opened is looked at, not only its name, so that a link swapped in meanwhile gains nothing.
 *
 * @throws BAD_INPUT when it isn't there, isn't a plain file or lies outside
 */
export async function openInside(folder: string, path: string): Promise<FileHandle> {
  checkRelativePath(path, 'spec.file');
  const shown = JSON.stringify(path.slice(0, 200));
  const full = join(folder, normalize(path));
  // Non-blocking: opening a pipe for reading would wait for its writer.
  const handle = await open(full, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw refuse('missing', `The file ${shown} can't be opened in the collector's folder.`, { cause: error });
  });
  try {
    const opened = await handle.stat();
    if (!opened.isFile()) throw refuse('not_a_file', `${shown} is not a plain file.`);
    const [root, real] = await Promise.all([realpath(folder), realpath(full)]);
    const there = await stat(real);
    const inside = real.startsWith(root.endsWith(sep) ? root : root + sep);
    if (!inside || there.ino !== opened.ino || there.dev !== opened.dev) {
      throw refuse('outside_folder', `${shown} leads out of the collector's folder.`);
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
