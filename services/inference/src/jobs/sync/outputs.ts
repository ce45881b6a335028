import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { badInput } from '@soundstage/core';

/**
 * Refuses, before anything is measured, an output that would overwrite what it is made of, also through links, or whose
 * folder isn't there.
 *
 * @param field how the caller calls it, for the error
 * @throws BAD_INPUT
 */
export async function checkOutput(outputPath: string, others: readonly string[], field: string): Promise<void> {
  const name = shown(outputPath);
  for (const other of others) {
    if (await isSameFile(other, outputPath))
      throw badInput(`${name} is the same file as ${shown(other)}: choose another output.`, field);
  }
  const folder = await stat(dirname(resolve(outputPath))).catch(() => undefined);
  if (!folder?.isDirectory()) throw badInput(`The folder for ${name} doesn't exist.`, field);
  if ((await stat(outputPath).catch(() => undefined))?.isDirectory())
    throw badInput(`${name} is a folder: name a file.`, field);
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  if (resolve(one) === resolve(other)) return true;
  const [first, second] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  if (first !== undefined && second !== undefined) return first.dev === second.dev && first.ino === second.ino;
  const [path, otherPath] = await Promise.all([one, other].map(realOf));
  return path === otherPath;
}

/** As messages of `@soundstage/media` name files. */
const shown = (path: string): string => `“${basename(path)}”`;

/** The path behind all links of its folder, for files that aren't there yet. */
async function realOf(path: string): Promise<string> {
  const folder = dirname(resolve(path));
  return join(await realpath(folder).catch(() => folder), basename(path));
}

/** A name beside the output, for what isn't proven yet: renaming it is then one step. */
export function draftBeside(outputPath: string): string {
  return join(dirname(outputPath), `.soundstage-${randomBytes(6).toString('hex')}${extname(outputPath)}`);
}

/** Writes a file whole or not at all. An existing one is replaced. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const draft = draftBeside(path);
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
