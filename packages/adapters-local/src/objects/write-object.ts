import { createHash, randomBytes } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import type { PutOptions } from '@soundstage/core';
import { bodyParts } from '@soundstage/core/ports';
import { diskFull } from '../sqlite-errors.js';
import { encodeTail, type Description } from './object-file.js';
import { temporaryName } from './temporary-files.js';

/** Tells whether so many more bytes may be stored; throws EXHAUSTED when not. */
export type ReserveBytes = (bytes: number) => void;

/**
 * Writes content and description to a file of its own in `folder`, hashing on the way, and forces it to the disk. On
 * any failure nothing is left behind.
 *
 * @returns the file, which isn't an object yet: the caller gives it its name or removes it
 * @throws BAD_INPUT when it is longer than `maxBytes` or its hash isn't `sha256`; EXHAUSTED when the disk is full;
 *   CANCELLED when the signal is aborted, even if the body never comes
 */
export async function writeTemporary(
  folder: string,
  key: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  options: PutOptions,
  reserve: ReserveBytes,
): Promise<{ file: string; description: Description }> {
  const { sha256: expected, maxBytes = Infinity, mediaType = 'application/octet-stream', signal } = options;
  const file = join(folder, temporaryName());
  const handle = await open(file, 'wx', 0o644).catch((thrown: unknown) => {
    throw storeError(thrown, file);
  });
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of bodyParts(body, signal)) {
      throwIfAborted(signal);
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw badInput(`${key} is longer than the limit of ${maxBytes} bytes.`, 'maxBytes');
      reserve(chunk.length);
      hash.update(chunk);
      await writeAll(handle, chunk);
    }
    throwIfAborted(signal);
    const sha256 = hash.digest('hex');
    if (expected !== undefined && expected !== sha256) {
      throw badInput(
        `${key} arrived with hash ${sha256} in place of ${expected}: it was damaged on the way, send it again.`,
        'sha256',
      );
    }
    const version = randomBytes(12).toString('hex');
    const description: Description = { sizeBytes, sha256, version, mediaType, modifiedMs: Date.now() };
    await writeAll(handle, encodeTail(description));
    await handle.datasync();
    await handle.close();
    return { file, description };
  } catch (thrown) {
    await handle.close().catch(() => undefined);
    await unlink(file).catch(() => undefined);
    throw storeError(thrown, key);
  }
}

/** A disk that is full, whatever the system calls it, is EXHAUSTED. */
export function storeError(thrown: unknown, what: string): SoundstageError {
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(what, thrown);
  return SoundstageError.from(thrown);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}
