import { createReadStream, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { link, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { badInput, SoundstageError } from '@soundstage/core/errors';
import type { ObjectStore, StoredObject } from '@soundstage/core';
import { checkKey, checkRange, READ_BYTES } from '@soundstage/core/ports';
import { makeFolder, syncFolder } from './durable-names.js';
import { listKeys } from './list-objects.js';
import { isMissing, openObject, readDescriptionSync, storedObject } from './object-file.js';
import { objectFile } from './object-keys.js';
import { createQuota } from './quota.js';
import { createStoreLock } from './store-lock.js';
import { sweepTemporaryFiles } from './temporary-files.js';
import { storeError, writeTemporary } from './write-object.js';

export interface FolderObjectStoreOptions {
  /** Where everything lies; made where there is none. On a local disk, not a network one. */
  folder: string;
  /**
   * The objects' bytes, all together. With several writing processes it is a guide rather than a wall: each counts
   * its own writes at once and the others' within a minute. Default: as much as the disk holds.
   */
  quotaBytes?: number;
}

/**
 * Objects in a folder that several processes may share. An object is one file that gets its name when it is whole and
 * on the disk, so a reader sees all of it or none, whenever a writer is killed.
 */
export function createFolderObjectStore(options: FolderObjectStoreOptions): ObjectStore {
  const root = resolve(options.folder, 'objects');
  const temporary = resolve(options.folder, 'tmp');
  mkdirSync(root, { recursive: true });
  mkdirSync(temporary, { recursive: true });
  const lock = createStoreLock(join(resolve(options.folder), 'lock.sqlite'));
  const quota = createQuota(root, options.quotaBytes);
  void sweepTemporaryFiles(temporary);

  /** Runs `name`, which gives a file its name, in a folder that another process may just be removing or that isn't there. */
  async function inFolder(target: string, name: () => Promise<void>): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await name();
        return await syncFolder(dirname(target));
      } catch (thrown) {
        if (!isMissing(thrown) || tries === 20) throw thrown;
        await makeFolder(dirname(target));
      }
    }
  }

  /** The file becomes the object, if the key is free. A second name for the same file can't replace another's. */
  async function create(key: string, file: string, target: string): Promise<void> {
    let named = false;
    await inFolder(target, async () => {
      if (named) return;
      await link(file, target);
      named = true;
    }).catch((thrown: unknown) => {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
      throw new SoundstageError('ALREADY_EXISTS', `${key} exists already.`);
    });
    await unlink(file);
  }

  /** The file takes the object's place, if it still has the version. */
  async function replace(key: string, file: string, target: string, ifVersion: string | undefined): Promise<void> {
    let named = false;
    await inFolder(target, async () => {
      if (named) return;
      await lock.hold(() => {
        const present = ifVersion === undefined && quota.unlimited ? undefined : readDescriptionSync(target);
        if (ifVersion !== undefined && present?.version !== ifVersion) {
          const what = present === undefined ? 'is gone' : 'was changed by somebody else';
          throw new SoundstageError('CONFLICT', `${key} ${what} meanwhile: read it again.`);
        }
        renameSync(file, target);
        named = true;
        quota.free(present?.sizeBytes ?? 0);
      });
    });
  }

  return {
    async put(key, body, putOptions = {}) {
      checkKey(key);
      const target = objectFile(root, key);
      const { ifVersion } = putOptions;
      if (ifVersion === 'absent') {
        // Saves writing what can't be kept; the answer that counts is given by `create`.
        const taken = await openObject(target);
        await taken?.handle.close();
        if (taken) throw new SoundstageError('ALREADY_EXISTS', `${key} exists already.`);
      }
      const reserved = await quota.open();
      try {
        const { file, description } = await writeTemporary(temporary, key, body, putOptions, (bytes) =>
          reserved.take(bytes),
        );
        try {
          if (ifVersion === 'absent') await create(key, file, target);
          else await replace(key, file, target, ifVersion);
        } catch (thrown) {
          await unlink(file).catch(() => undefined);
          throw storeError(thrown, key);
        }
        reserved.keep();
        return storedObject(key, description);
      } finally {
        reserved.end();
      }
    },

    async get(key, range) {
      checkKey(key);
      const { startByte, endByte } = checkRange(range);
      const found = await openObject(objectFile(root, key));
      if (!found) throw new SoundstageError('NOT_FOUND', `There is no object ${key}.`);
      const end = Math.min(endByte, found.description.sizeBytes);
      if (startByte >= end) {
        await found.handle.close();
        return Readable.from([], { objectMode: false });
      }
      return createReadStream('', {
        ...{ fd: found.handle, start: startByte, end: end - 1 },
        ...{ autoClose: true, highWaterMark: READ_BYTES },
      });
    },

    async stat(key) {
      checkKey(key);
      const found = await openObject(objectFile(root, key));
      await found?.handle.close();
      return found && storedObject(key, found.description);
    },

    async list(prefix, { after = '', limit = 1000 } = {}) {
      if (!(limit >= 1)) throw badInput(`limit is ${limit}: ask for 1 or more objects.`, 'limit');
      const objects: StoredObject[] = [];
      for await (const key of listKeys(root, prefix, after)) {
        const found = await openObject(objectFile(root, key));
        await found?.handle.close();
        // Undefined: removed since its name was read.
        if (found) objects.push(storedObject(key, found.description));
        if (objects.length >= limit) break;
      }
      return objects;
    },

    async delete(key) {
      checkKey(key);
      const target = objectFile(root, key);
      try {
        await lock.hold(() => {
          const present = quota.unlimited ? undefined : readDescriptionSync(target);
          unlinkSync(target);
          quota.free(present?.sizeBytes ?? 0);
        });
        await syncFolder(dirname(target));
      } catch (thrown) {
        if (!isMissing(thrown)) throw storeError(thrown, key);
      }
      await removeEmptyFolders(dirname(target));
    },
  };

  /** Folders are no objects: they go with the last key in them. */
  async function removeEmptyFolders(folder: string): Promise<void> {
    for (let at = folder; at.length > root.length; at = dirname(at)) {
      try {
        await rmdir(at);
      } catch (thrown) {
        if (!isMissing(thrown)) return;
      }
    }
  }
}
