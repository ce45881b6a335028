import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchObject, SoundstageError, type ObjectStore } from '@soundstage/core';
import { readEntry } from './entries.js';
import { findRegistered, promotedVersion } from './promotion.js';

/**
 * The promoted version of a model as a folder for `openModel`: model.onnx, card.json, and labels.json where it has
 * classes. Fetched and hash-checked once; several processes may share the cache folder.
 *
 * @returns undefined where none is promoted: the one that ships is to be taken
 */
export async function promotedFolder(
  store: ObjectStore,
  name: string,
  cacheFolder: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const version = await promotedVersion(store, name);
  return version === undefined ? undefined : registeredFolder(store, name, version, cacheFolder, signal);
}

/** The same for any registered version. @throws NOT_FOUND; BAD_INPUT where its objects are gone or have other hashes */
export async function registeredFolder(
  store: ObjectStore,
  name: string,
  version: string,
  cacheFolder: string,
  signal?: AbortSignal,
): Promise<string> {
  const entry = await readEntry(store, name, version);
  const { model, card, sha256 } = entry?.model ?? (await findRegistered(store, name, version));
  if (!model || !card) throw new SoundstageError('INTERNAL', `The entry of ${name}/${version} names no model.`);
  // With the hash of the weights: two stores that share a cache may have another model each under one version.
  const folder = join(cacheFolder, name, `${version}-${sha256.slice(0, 12)}-${card.sha256.slice(0, 12)}`);
  if (await stat(folder).catch(() => undefined)) return folder;
  const draft = `${folder}.${randomUUID()}`;
  await mkdir(draft, { recursive: true });
  try {
    await fetchObject(store, model, join(draft, 'model.onnx'), signal);
    await fetchObject(store, card, join(draft, 'card.json'), signal);
    if (entry?.labels) await fetchObject(store, entry.labels, join(draft, 'labels.json'), signal);
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Somebody else was faster.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
  return folder;
}
