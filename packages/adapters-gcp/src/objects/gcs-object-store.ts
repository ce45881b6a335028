import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { badInput, SoundstageError } from '@soundstage/core/errors';
import { checkKey, checkRange, type ObjectStore, type StoredObject } from '@soundstage/core/ports';
import { sweepSpool, takeContent } from './content.js';
import { openGeneration } from './download.js';
import { PUT_ID, RECORD_FIELDS, SHA256, storedObject, type ObjectRecord } from './object-record.js';
import { createStorageClient, type StorageClientOptions } from './storage-client.js';
import { PRECONDITION_FAILED, upload } from './upload.js';

export interface GcsObjectStoreOptions extends StorageClientOptions {
  /**
   * Bodies that are longer are sent in chunks of so many bytes, and those that come as a stream lie on the disk
   * meanwhile. A multiple of 256 KiB. Default 8 MiB: small enough to lose little, large enough to be few.
   */
  chunkBytes?: number | undefined;
  /** Where such bodies lie. Default: the system's folder for temporary files. */
  spoolFolder?: string | undefined;
}

/** A key that is replaced again and again while it is opened. */
const OPENINGS = 10;

/**
 * Objects in a bucket of Google Cloud Storage. An object's version is its generation; its SHA-256, which Cloud Storage
 * doesn't know, is in its metadata. What others have put into the bucket without that isn't shown.
 */
export function createGcsObjectStore(options: GcsObjectStoreOptions): ObjectStore {
  const client = createStorageClient(options);
  const chunkBytes = options.chunkBytes ?? 8 * 2 ** 20;
  const spoolFolder = options.spoolFolder ?? join(tmpdir(), 'soundstage-uploads');
  void sweepSpool(spoolFolder).catch(() => undefined);

  async function record(key: string): Promise<ObjectRecord | undefined> {
    const response = await client.request(`look at ${key}`, client.objectUrl(key, { fields: RECORD_FIELDS }), {
      expect: [404],
    });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    return (await response.json()) as ObjectRecord;
  }

  async function stat(key: string): Promise<StoredObject | undefined> {
    const found = await record(key);
    return found && storedObject(found);
  }

  function refuse(key: string, ifVersion: string): SoundstageError {
    return ifVersion === 'absent'
      ? new SoundstageError('ALREADY_EXISTS', `${key} exists already.`)
      : new SoundstageError('CONFLICT', `${key} was changed by somebody else or is gone: read it again.`);
  }

  return {
    async put(key, body, putOptions = {}) {
      checkKey(key);
      const { ifVersion, mediaType = 'application/octet-stream', signal } = putOptions;
      // A version that is no generation is none that an object could have.
      if (ifVersion !== undefined && ifVersion !== 'absent' && !/^[1-9]\d*$/.test(ifVersion)) {
        throw refuse(key, ifVersion);
      }
      if (/[\r\n]/.test(mediaType)) throw badInput(`${JSON.stringify(mediaType)} is no media type.`, 'mediaType');
      const content = await takeContent(key, body, putOptions, { folder: spoolFolder, inMemoryBytes: chunkBytes });
      try {
        // Saves sending what can't be kept; the answer that counts is the precondition's.
        if (ifVersion === 'absent' && content.sizeBytes > chunkBytes && (await record(key))) {
          throw refuse(key, ifVersion);
        }
        const putId = randomUUID();
        let stored = await upload(client, {
          key,
          content,
          mediaType,
          ifGeneration: ifVersion === 'absent' ? '0' : ifVersion,
          metadata: { [SHA256]: content.sha256, [PUT_ID]: putId },
          chunkBytes,
          signal,
        });
        if (stored === PRECONDITION_FAILED) {
          // An earlier try of ours may have stored it, and its answer was lost.
          const there = await record(key);
          if (there?.metadata?.[PUT_ID] !== putId) throw refuse(key, ifVersion!);
          stored = there;
        }
        return storedObject(stored) ?? lost(key);
      } finally {
        await content.close();
      }
    },

    async get(key, range) {
      checkKey(key);
      const { startByte, endByte } = checkRange(range);
      for (let openings = 0; openings < OPENINGS; openings++) {
        const found = await record(key);
        const object = found && storedObject(found);
        if (!object) throw new SoundstageError('NOT_FOUND', `There is no object ${key}.`);
        const end = Math.min(endByte, object.sizeBytes);
        if (startByte >= end) return Readable.from([], { objectMode: false });
        const reader = await openGeneration(client, object, startByte, end, found.metadata?.[PUT_ID] !== undefined);
        // Undefined: replaced or removed between the two calls.
        if (reader) return reader;
      }
      throw new SoundstageError('UNAVAILABLE', `${key} changes too often to be read: try again.`);
    },

    async stat(key) {
      checkKey(key);
      return stat(key);
    },

    async list(prefix, { after = '', limit = 1000 } = {}) {
      if (!(limit >= 1)) throw badInput(`limit is ${limit}: ask for 1 or more objects.`, 'limit');
      const objects: StoredObject[] = [];
      let pageToken = '';
      do {
        const response = await client.request(
          `list ${prefix || 'all'}`,
          client.objectUrl(undefined, {
            prefix,
            maxResults: String(Math.min(1000, limit)),
            fields: `items(${RECORD_FIELDS}),nextPageToken`,
            // The offset counts itself in; "!" comes before all that a key may hold.
            ...(after ? { startOffset: `${after}!` } : {}),
            ...(pageToken ? { pageToken } : {}),
          }),
        );
        const page = (await response.json()) as { items?: ObjectRecord[]; nextPageToken?: string };
        for (const item of page.items ?? []) {
          const object = storedObject(item);
          if (object && item.name > after) objects.push(object);
        }
        pageToken = page.nextPageToken ?? '';
      } while (pageToken && objects.length < limit);
      return objects.slice(0, limit);
    },

    async delete(key) {
      checkKey(key);
      const response = await client.request(`remove ${key}`, client.objectUrl(key), {
        method: 'DELETE',
        expect: [404],
      });
      await response.body?.cancel();
    },
  };
}

function lost(key: string): never {
  throw new SoundstageError('INTERNAL', `${key} was stored without its hash: the store keeps no metadata.`, {
    retryable: false,
  });
}
