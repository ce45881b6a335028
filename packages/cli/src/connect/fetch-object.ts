import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ObjectRef } from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { hashFile } from '../collect/local-files.js';
import type { Connection } from './connect.js';

/** Fetches an object of text. */
export async function fetchText(
  connection: Connection,
  { key }: ObjectRef,
  signal: AbortSignal | undefined,
): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of connection.download(key, signal)) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** Fetches an object into a file, whole or not at all. @throws UNAVAILABLE where it comes damaged */
export async function fetchFile(
  connection: Connection,
  { key, sha256: wanted }: ObjectRef,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const temporary = join(dirname(path), `.soundstage-${randomBytes(6).toString('hex')}${extname(path)}`);
  try {
    await pipeline(connection.download(key, signal), createWriteStream(temporary, { flush: true }));
    if ((await hashFile(temporary, signal)) !== wanted)
      throw new SoundstageError('UNAVAILABLE', `${key} came damaged from the service: run this again.`);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
