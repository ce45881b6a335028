import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { ObjectRef } from '@soundstage/contracts';
import { badInput, SoundstageError } from '../errors.js';
import { READ_BYTES } from '../ports/body-parts.js';
import type { ObjectStore } from '../ports/object-store.js';
import { isSentKey } from '../uploads.js';

/** Checks the form of a reference that a client gave. @throws BAD_INPUT that names the field */
export function checkReference(reference: ObjectRef | undefined, field: string): asserts reference is ObjectRef {
  if (!reference?.key) {
    throw badInput(`${field} is missing: upload the media with TransferService and give its object.`, field);
  }
  if (!/^[0-9a-f]{64}$/.test(reference.sha256)) {
    throw badInput(`${field}.sha256 must be 64 lower-case hexadecimal digits.`, `${field}.sha256`);
  }
}

/** How many objects are looked up at a time. */
const LOOKUPS = 32;

/**
 * Makes sure that objects are in the store as they are referred to, without reading them.
 *
 * @throws BAD_INPUT that names the first one that isn't there or has another hash
 */
export async function checkInputs(store: ObjectStore, references: readonly ObjectRef[]): Promise<void> {
  for (let i = 0; i < references.length; i += LOOKUPS) {
    await Promise.all(
      references.slice(i, i + LOOKUPS).map(async ({ key, sha256 }) => {
        const found = await store.stat(key);
        if (!found) throw badInput(`There is no object ${JSON.stringify(key)} in the store.`, 'key');
        if (found.sha256 !== sha256) {
          throw badInput(`The object ${key} has the hash ${found.sha256}, not ${sha256}.`, 'sha256');
        }
      }),
    );
  }
}

/**
 * Copies an object into a local file, checking that it is what the reference says. Bytes that were sent to a signed
 * address are held to their sender's word here, before any work is done with them; those that break it are removed.
 *
 * @throws BAD_INPUT when it isn't there or its content has another hash
 */
export async function fetchObject(
  store: ObjectStore,
  reference: ObjectRef,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const content = await store.get(reference.key).catch((error: unknown) => {
    if (SoundstageError.from(error).reason !== 'NOT_FOUND') throw error;
    throw badInput(`There is no object ${JSON.stringify(reference.key)} in the store.`, 'key', error);
  });
  const hash = createHash('sha256');
  content.on('data', (block: Buffer) => hash.update(block));
  try {
    await pipeline(content, createWriteStream(path), signal ? { signal } : {});
    const sha256 = hash.digest('hex');
    if (sha256 !== reference.sha256) {
      throw badInput(`The object ${reference.key} has the hash ${sha256}, not ${reference.sha256}.`, 'sha256');
    }
  } catch (error) {
    // A reference that names the key with another hash than the key's own says nothing about the bytes.
    const isWord = isSentKey(reference.key) && reference.key.startsWith(`media/${reference.sha256}-`);
    if (isWord && SoundstageError.from(error).reason === 'BAD_INPUT') await store.delete(reference.key);
    throw error;
  }
}

/** Stores a local file under a key. "Already there" is success: work is idempotent. */
export function storeFile(
  store: ObjectStore,
  path: string,
  key: string,
  mediaType: string,
  signal?: AbortSignal,
): Promise<ObjectRef> {
  return storeOnce(store, fileParts(path), key, mediaType, signal);
}

const spareBlocks: Uint8Array[] = [];
const MOST_SPARE_BLOCKS = 8;

/** A file's bytes in parts, each good until the next is asked for: blocks are used again, and so leave no garbage. */
async function* fileParts(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  const block = spareBlocks.pop() ?? new Uint8Array(READ_BYTES);
  try {
    for (;;) {
      const { bytesRead } = await file.read(block, 0, block.length);
      if (bytesRead === 0) return;
      yield block.subarray(0, bytesRead);
    }
  } finally {
    if (spareBlocks.length < MOST_SPARE_BLOCKS) spareBlocks.push(block);
    await file.close();
  }
}

/** Stores bytes under a key. "Already there" is success: work is idempotent. */
export function storeBytes(
  store: ObjectStore,
  bytes: Uint8Array,
  key: string,
  mediaType: string,
  signal?: AbortSignal,
): Promise<ObjectRef> {
  return storeOnce(store, bytes, key, mediaType, signal);
}

async function storeOnce(
  store: ObjectStore,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  key: string,
  mediaType: string,
  signal: AbortSignal | undefined,
): Promise<ObjectRef> {
  const { sizeBytes, sha256 } = await store
    .put(key, body, { ifVersion: 'absent', mediaType, ...(signal ? { signal } : {}) })
    .catch(async (error: unknown) => {
      if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
      const earlier = await store.stat(key);
      if (!earlier) throw error;
      return earlier;
    });
  return { key, sizeBytes: BigInt(sizeBytes), sha256, mediaType };
}
