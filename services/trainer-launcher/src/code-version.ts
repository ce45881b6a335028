import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/**
 * What decides, beside a spec, what a training gives: the trainer's code, what it runs on, and the models that recipes
 * build on, of which the cards tell.
 *
 * @returns 16 hexadecimal digits; the same for equal content, wherever it lies
 */
export async function trainerVersion(trainerFolder: string, modelsFolder: string): Promise<string> {
  const hash = createHash('sha256');
  const wanted: [folder: string, files: RegExp][] = [
    [trainerFolder, /^(soundstage_trainer\/.*\.(py|csv|json)|requirements\.txt)$/],
    [modelsFolder, /^[^/]+\/[^/]+\/card\.json$/],
  ];
  for (const [folder, files] of wanted) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
      .filter((path) => files.test(path) && !path.includes('/.'))
      .sort();
    for (const path of paths) {
      // A file that goes away meanwhile counts as empty: the folder is being rebuilt.
      const content = await readFile(join(folder, path)).catch(() => Buffer.alloc(0));
      hash.update(`${path}\n${content.length}\n`).update(content);
    }
  }
  return hash.digest('hex').slice(0, 16);
}
