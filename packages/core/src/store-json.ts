import { buffer } from 'node:stream/consumers';
import { SoundstageError } from './errors.js';
import type { ObjectStore, PutOptions, StoredObject } from './ports/object-store.js';

/** Reads a JSON record, or undefined where there is none. */
export async function readJson<T>(store: ObjectStore, key: string): Promise<{ value: T; version: string } | undefined> {
  // stat before get: a write between the two gives an older version with newer content, which a precondition catches.
  const described = await store.stat(key);
  if (!described) return undefined;
  try {
    const text = await buffer(await store.get(key));
    return { value: JSON.parse(text.toString('utf8')) as T, version: described.version };
  } catch (error) {
    if (SoundstageError.from(error).reason === 'NOT_FOUND') return undefined;
    throw error;
  }
}

export function writeJson(
  store: ObjectStore,
  key: string,
  value: unknown,
  options: Pick<PutOptions, 'ifVersion'> = {},
): Promise<StoredObject> {
  return store.put(key, Buffer.from(JSON.stringify(value)), { ...options, mediaType: 'application/json' });
}
