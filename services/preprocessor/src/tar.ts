import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const BLOCK = 512;

/**
 * Packs the files of a folder into a TAR (POSIX ustar), sorted by name, without owner or time, so that the same files
 * give the same bytes. Names must be shorter than 100 bytes.
 */
export async function packFolder(folder: string, tarPath: string, signal?: AbortSignal): Promise<void> {
  const names = (await readdir(folder)).sort();
  async function* blocks() {
    for (const name of names) {
      const path = join(folder, name);
      const { size } = await stat(path);
      yield header(name, size);
      for await (const chunk of createReadStream(path)) yield chunk as Buffer;
      if (size % BLOCK > 0) yield Buffer.alloc(BLOCK - (size % BLOCK));
    }
    yield Buffer.alloc(2 * BLOCK);
  }
  await pipeline(blocks, createWriteStream(tarPath), signal ? { signal } : {});
}

/** The header of a plain file; see POSIX.1-1988, “ustar”. */
function header(name: string, sizeBytes: number): Buffer {
  if (Buffer.byteLength(name) >= 100) throw new RangeError(`${name} is too long a name for a TAR header`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0);
  block.write(octal(0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
