import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The path of a program: itself where it is a path, else the first of that name on PATH. */
export async function findOnPath(program: string): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const path of program.includes('/') ? [program] : folders.map((folder) => join(folder, program))) {
    const runnable = await access(path, constants.X_OK).then(
      async () => (await stat(path)).isFile(),
      () => false,
    );
    if (runnable) return path;
  }
  return undefined;
}
