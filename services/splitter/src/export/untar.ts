import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput } from '@soundstage/core';

const BLOCK = 512;
const MOST_FRAMES = 10_000_000;
/** A frame is a picture, not a film. */
const MOST_FRAME_BYTES = 64 * 2 ** 20;
const FRAME_NAME = /^(?:\.\/)?(\d{1,8}\.(?:jpg|jpeg|png))$/;

/**
 * Unpacks a TAR of frames into a folder, which appears when it is whole. Only pictures named after their number are
 * taken, straight into the folder; folders are passed over, anything else (links, devices, other names) is refused.
 *
 * @returns how many frames there are
 * @throws BAD_INPUT that tells what the archive holds that it must not
 */
export async function unpackFrames(archive: AsyncIterable<Uint8Array>, folder: string): Promise<number> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    const frames = await unpack(archive, partial);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    return frames;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function unpack(archive: AsyncIterable<Uint8Array>, folder: string): Promise<number> {
  const reader = createReader(archive);
  let frames = 0;
  for (;;) {
    const header = await reader.take(BLOCK);
    // Two blocks of zeros end an archive; some end without.
    if (header === undefined || header.every((byte) => byte === 0)) break;
    const { name, sizeBytes, type } = readHeader(header);
    const padding = (BLOCK - (sizeBytes % BLOCK)) % BLOCK;
    if (type === '5' && sizeBytes === 0) continue;
    const [, frame] = FRAME_NAME.exec(name) ?? [];
    if ((type !== '0' && type !== '\0') || frame === undefined) {
      throw badInput(
        `The frames hold ${JSON.stringify(name.slice(0, 100))}, which is no picture named after its number.`,
      );
    }
    if (sizeBytes > MOST_FRAME_BYTES || ++frames > MOST_FRAMES) {
      throw badInput(`The frames hold ${name} of ${sizeBytes} bytes; the limit is ${MOST_FRAME_BYTES}.`);
    }
    const file = await open(join(folder, frame), 'wx').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') throw badInput(`The frames hold ${frame} twice.`, undefined, cause);
      throw cause;
    });
    try {
      for (let left = sizeBytes; left > 0;) {
        const piece = await reader.some(left);
        if (!piece) throw badInput(`The frames end in the middle of ${frame}.`);
        await file.write(piece);
        left -= piece.length;
      }
    } finally {
      await file.close();
    }
    if (padding > 0) await reader.take(padding);
  }
  // What comes behind the end is padding; it is read so that the sender is not cut off.
  while (await reader.some(2 ** 20));
  return frames;
}

/** The fields of a ustar header that matter here. */
function readHeader(header: Buffer): { name: string; sizeBytes: number; type: string } {
  const text = (from: number, length: number) => {
    const field = header.subarray(from, from + length);
    const end = field.indexOf(0);
    return field.subarray(0, end < 0 ? length : end).toString('latin1');
  };
  const size = text(124, 12).trim();
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (Number.parseInt(text(148, 8).trim(), 8) !== sum || !/^[0-7]+$/.test(size)) {
    throw badInput('The frames are no TAR archive.');
  }
  return { name: text(0, 100), sizeBytes: Number.parseInt(size, 8), type: String.fromCharCode(header[156]!) };
}

/** Takes bytes from pieces of any size. */
function createReader(pieces: AsyncIterable<Uint8Array>) {
  const iterator = pieces[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  async function fill(): Promise<boolean> {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done) return false;
      const { buffer, byteOffset, byteLength } = next.value;
      rest = Buffer.from(buffer, byteOffset, byteLength);
    }
    return true;
  }
  /** At least one and at most `most` bytes; undefined at the end. */
  async function some(most: number): Promise<Buffer | undefined> {
    if (!(await fill())) return undefined;
    const piece = rest.subarray(0, most);
    rest = rest.subarray(piece.length);
    return piece;
  }
  /** Exactly `length` bytes; undefined at the end. @throws BAD_INPUT where it ends in between */
  async function take(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (let left = length; left > 0;) {
      const piece = await some(left);
      if (!piece) {
        if (left === length) return undefined;
        throw badInput('The frames are cut off.');
      }
      parts.push(piece);
      left -= piece.length;
    }
    return Buffer.concat(parts);
  }
  return { some, take };
}
