import { open, type FileHandle } from 'node:fs/promises';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SoundstageError } from '@soundstage/core/errors';
import type { StoredObject } from '@soundstage/core';

/**
 * One file holds an object and what is known about it: the content, then a description in JSON, then the description's
 * length (32 bits, little endian) and a mark. Being one file, object and description can't disagree, and the file
 * appears under its name only when it is whole. The description comes last because the hash is known last.
 */
export type Description = Omit<StoredObject, 'key' | 'modifiedAt'> & { modifiedMs: number };

const MARK = Buffer.from('SNDSTG01');
const FOOT_BYTES = 4 + MARK.length;
/** The description is far smaller than this: one read fetches it with the foot. */
const TAIL_BYTES = 1024;

/** What follows the content in the file. */
export function encodeTail(description: Description): Buffer {
  const json = Buffer.from(JSON.stringify(description));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([json, length, MARK]);
}

function parseTail(tail: Buffer, fileBytes: number, file: string): Description | { needBytes: number } {
  if (tail.length < FOOT_BYTES || !tail.subarray(-MARK.length).equals(MARK)) throw damaged(file);
  const jsonBytes = tail.readUInt32LE(tail.length - FOOT_BYTES);
  const needBytes = jsonBytes + FOOT_BYTES;
  if (needBytes > fileBytes) throw damaged(file);
  if (needBytes > tail.length) return { needBytes };
  let description: Description;
  try {
    description = JSON.parse(tail.subarray(-needBytes, -FOOT_BYTES).toString()) as Description;
  } catch {
    throw damaged(file);
  }
  if (description.sizeBytes + needBytes !== fileBytes) throw damaged(file);
  return description;
}

function damaged(file: string): SoundstageError {
  return new SoundstageError(
    'INTERNAL',
    `${file} is damaged: it was changed from outside the store. Remove it and make the object again.`,
    {
      retryable: false,
    },
  );
}

/** Reads the description of an open object. @throws INTERNAL when the file was changed from outside */
export async function readDescription(handle: FileHandle, file: string): Promise<Description> {
  const { size } = await handle.stat();
  for (let wantBytes = Math.min(size, TAIL_BYTES); ;) {
    const { buffer } = await handle.read(Buffer.alloc(wantBytes), 0, wantBytes, size - wantBytes);
    const parsed = parseTail(buffer, size, file);
    if (!('needBytes' in parsed)) return parsed;
    wantBytes = parsed.needBytes;
  }
}

/** The same at once, for use while the store is locked. Undefined where there is no such file. */
export function readDescriptionSync(file: string): Description | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
  try {
    const { size } = fstatSync(fd);
    for (let wantBytes = Math.min(size, TAIL_BYTES); ;) {
      const tail = Buffer.alloc(wantBytes);
      readSync(fd, tail, 0, wantBytes, size - wantBytes);
      const parsed = parseTail(tail, size, file);
      if (!('needBytes' in parsed)) return parsed;
      wantBytes = parsed.needBytes;
    }
  } finally {
    closeSync(fd);
  }
}

/** Opens the object in `file`, or undefined where there is none. The caller closes the handle. */
export async function openObject(file: string): Promise<{ handle: FileHandle; description: Description } | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw SoundstageError.from(thrown);
  }
  try {
    return { handle, description: await readDescription(handle, file) };
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

/** What the store tells about an object. */
export function storedObject(key: string, description: Description): StoredObject {
  const { sizeBytes, sha256, version, mediaType, modifiedMs } = description;
  return { key, sizeBytes, sha256, version, mediaType, modifiedAt: new Date(modifiedMs) };
}

/** Whether the file, or a folder on the way to it, isn't there. */
export function isMissing(thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
