import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectRef } from '@soundstage/contracts';
import { sha256 } from '@soundstage/core';
import type { Connection } from './connect.js';

/** Stores a text under its hash. */
export async function putText(
  connection: Pick<Connection, 'put'>,
  text: string,
  mediaType: string,
  signal?: AbortSignal,
): Promise<ObjectRef> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-list-'));
  try {
    const path = join(folder, 'list');
    await writeFile(path, text);
    return await connection.put({ path, sha256: sha256(text), mediaType }, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
