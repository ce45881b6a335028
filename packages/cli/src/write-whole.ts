import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';

/** Writes a text file whole or not at all: under another name beside it, then renamed. An existing file is replaced. */
export async function writeWhole(path: string, text: string | AsyncIterable<string>): Promise<void> {
  const temporary = join(dirname(path), `.soundstage-${randomBytes(6).toString('hex')}${extname(path)}`);
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Names of files that a killed run may have left half-written, see writeWhole() and the finished videos. */
export const HALF_WRITTEN = /^\.soundstage-[0-9a-f]{12}(\.\w+)?$/;
