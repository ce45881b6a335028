import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import { bodyParts, type PutOptions } from '@soundstage/core/ports';
import { createCrc32c } from './crc32c.js';

/** All of what is to be stored, with what must be known of it before the first byte is sent. */
export interface Content {
  sizeBytes: number;
  sha256: string;
  crc32c: string;
  /** Bytes from `start` up to `end`; may be asked for again. */
  read(start: number, end: number): Promise<Buffer>;
  /** Removes what was written down on this machine. */
  close(): Promise<void>;
}

/**
 * Takes a body in wholly: into memory, or a file of `folder` where it is longer than `inMemoryBytes`. Cloud Storage wants to know an object's
 * checksum and metadata, which hold our hash, before its content; and a second try needs the bytes once more.
 *
 * @throws BAD_INPUT when it is longer than `maxBytes` or its hash isn't `sha256`; EXHAUSTED when the disk is full;
 *   CANCELLED
 */
export async function takeContent(
  key: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  { sha256: expected, maxBytes = Infinity, signal }: PutOptions,
  { folder, inMemoryBytes }: { folder: string; inMemoryBytes: number },
): Promise<Content> {
  const hash = createHash('sha256');
  const crc = createCrc32c();
  let sizeBytes = 0;
  let parts: Uint8Array[] = [];
  let file: SpoolFile | undefined;
  try {
    for await (const part of bodyParts(body, signal)) {
      throwIfAborted(signal);
      sizeBytes += part.length;
      if (sizeBytes > maxBytes) throw badInput(`${key} is longer than the limit of ${maxBytes} bytes.`, 'maxBytes');
      hash.update(part);
      crc.update(part);
      if (file) {
        await file.write(part);
      } else {
        // A copy: who gave it may use its buffer again.
        parts.push(body instanceof Uint8Array ? part : Buffer.from(part));
        if (sizeBytes > inMemoryBytes && !(body instanceof Uint8Array)) {
          file = await createSpoolFile(folder);
          for (const early of parts) await file.write(early);
          parts = [];
        }
      }
    }
    throwIfAborted(signal);
    const sha256 = hash.digest('hex');
    if (expected !== undefined && expected !== sha256) {
      throw badInput(
        `${key} arrived with hash ${sha256} in place of ${expected}: it was damaged on the way, send it again.`,
        'sha256',
      );
    }
    const whole = file ? undefined : parts.length === 1 ? Buffer.from(parts[0]!) : Buffer.concat(parts);
    return {
      sizeBytes,
      sha256,
      crc32c: crc.base64(),
      read: async (start, end) => whole?.subarray(start, end) ?? file!.read(start, end),
      close: async () => file?.remove(),
    };
  } catch (thrown) {
    await file?.remove();
    throw SoundstageError.from(thrown);
  }
}

/** Removes what killed processes left in the folder: files are named after the process that made them. */
export async function sweepSpool(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = Number(/^upload-(\d+)-/.exec(name)?.[1] ?? NaN);
    if (Number.isInteger(pid) && pid !== process.pid && !isAlive(pid)) await rm(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

interface SpoolFile {
  write(bytes: Uint8Array): Promise<void>;
  read(start: number, end: number): Promise<Buffer>;
  remove(): Promise<void>;
}

async function createSpoolFile(folder: string): Promise<SpoolFile> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `upload-${process.pid}-${randomUUID()}`);
  const handle: FileHandle = await open(path, 'wx+', 0o600);
  return {
    async write(bytes) {
      for (let done = 0; done < bytes.length;)
        done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
    },
    async read(start, end) {
      const bytes = Buffer.allocUnsafe(end - start);
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
        if (bytesRead === 0) throw new Error(`${path} was cut short by somebody else`);
        done += bytesRead;
      }
      return bytes;
    },
    async remove() {
      await handle.close();
      await rm(path, { force: true });
    },
  };
}
