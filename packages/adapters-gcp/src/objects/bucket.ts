import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import { sweepSpool, takeContent } from './content.js';
import { createCrc32c } from './crc32c.js';
import { openGeneration } from './download.js';
import { PUT_ID, SHA256, type ObjectRecord } from './object-record.js';
import { createStorageClient, type StorageClientOptions } from './storage-client.js';
import { PRECONDITION_FAILED, upload } from './upload.js';

/** An object as anybody may have put it there. */
export interface BucketObject {
  name: string;
  sizeBytes: number;
  /** Another one with each content. */
  generation: string;
  modifiedAt: Date;
  /** CRC32C of the content, in base64. */
  crc32c: string | undefined;
}

export interface PutObject {
  mediaType: string;
  /** `0`: only if there is none; else only over that generation. Default: over whatever is there. */
  ifGeneration?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** The plain objects of one bucket of Cloud Storage, under any names. */
export interface Bucket {
  readonly name: string;
  /** In the order of their names' bytes. @throws UNAVAILABLE where there is no such bucket, or no right to see it */
  list(prefix: string, signal?: AbortSignal): AsyncGenerator<BucketObject>;
  stat(name: string): Promise<BucketObject | undefined>;
  /** Writes an object's bytes, held to its checksum, into a file. @throws NOT_FOUND when it is gone or was replaced */
  download(object: BucketObject, path: string, signal?: AbortSignal): Promise<void>;
  /** The bytes of a small object; undefined where there is none. */
  read(name: string): Promise<Buffer | undefined>;
  /** Stores a file, or bytes: a reader sees all of it or none. @throws CONFLICT where `ifGeneration` doesn't hold */
  put(name: string, content: { path: string } | Uint8Array, options: PutObject): Promise<BucketObject>;
  /** Removes it; "gone already" is success, another generation too. */
  remove(name: string, ifGeneration?: string): Promise<void>;
}

export interface BucketOptions extends StorageClientOptions {
  /** Files that are sent lie here meanwhile. Default: the system's folder for temporary files. */
  spoolFolder?: string | undefined;
}

const FIELDS = 'name,size,generation,contentType,timeCreated,crc32c,metadata';
const CHUNK_BYTES = 8 * 2 ** 20;

/** Opens a bucket; nothing is asked of it yet. */
export function openBucket(options: BucketOptions): Bucket {
  const client = createStorageClient(options);
  const spoolFolder = options.spoolFolder ?? join(tmpdir(), 'soundstage-uploads');
  void sweepSpool(spoolFolder).catch(() => undefined);

  async function record(name: string): Promise<ObjectRecord | undefined> {
    const response = await client.request(`look at ${name}`, client.objectUrl(name, { fields: FIELDS }), {
      expect: [404],
    });
    if (response.ok) return (await response.json()) as ObjectRecord;
    await response.body?.cancel();
    return undefined;
  }

  async function open({ name, generation, sizeBytes }: BucketObject) {
    const there = { key: name, version: generation, sizeBytes };
    const reader = sizeBytes === 0 ? undefined : await openGeneration(client, there, 0, sizeBytes);
    if (reader || sizeBytes === 0) return reader;
    throw new SoundstageError('NOT_FOUND', `gs://${client.bucket}/${name} is gone or was replaced: run this again.`);
  }

  return {
    name: client.bucket,

    async *list(prefix, signal) {
      let pageToken = '';
      do {
        throwIfAborted(signal);
        const query = {
          prefix,
          maxResults: '1000',
          fields: `items(${FIELDS}),nextPageToken`,
          ...(pageToken ? { pageToken } : {}),
        };
        const response = await client.request(`list ${prefix || 'all'}`, client.objectUrl(undefined, query), {
          signal,
        });
        const page = (await response.json()) as { items?: ObjectRecord[]; nextPageToken?: string };
        for (const item of page.items ?? []) yield bucketObject(item);
        pageToken = page.nextPageToken ?? '';
      } while (pageToken);
    },

    async stat(name) {
      const found = await record(name);
      return found && bucketObject(found);
    },

    async download(object, path, signal) {
      const crc = createCrc32c();
      const reader = (await open(object)) ?? Readable.from([]);
      await pipeline(
        reader,
        async function* (parts: AsyncIterable<Uint8Array>) {
          for await (const part of parts) {
            crc.update(part);
            yield part;
          }
        },
        createWriteStream(path, { flags: 'w' }),
        ...(signal ? [{ signal }] : []),
      );
      if (object.crc32c !== undefined && crc.base64() !== object.crc32c) {
        throw new SoundstageError('UNAVAILABLE', `gs://${client.bucket}/${object.name} came damaged: run this again.`);
      }
    },

    async read(name) {
      const found = await record(name);
      if (!found) return undefined;
      const parts: Uint8Array[] = [];
      for await (const part of (await open(bucketObject(found))) ?? []) parts.push(part as Uint8Array);
      return Buffer.concat(parts);
    },

    async put(name, given, { mediaType, ifGeneration, signal }) {
      const body = given instanceof Uint8Array ? given : createReadStream(given.path);
      const content = await takeContent(name, body, { signal }, { folder: spoolFolder, inMemoryBytes: CHUNK_BYTES });
      try {
        const putId = randomUUID();
        const metadata = { [SHA256]: content.sha256, [PUT_ID]: putId };
        const request = { key: name, content, mediaType, ifGeneration, chunkBytes: CHUNK_BYTES, metadata, signal };
        const stored = await upload(client, request);
        if (stored !== PRECONDITION_FAILED) return bucketObject(stored);
        // An earlier try of ours may have stored it, and its answer was lost.
        const there = await record(name);
        if (there?.metadata?.[PUT_ID] === putId) return bucketObject(there);
        throw new SoundstageError('CONFLICT', `gs://${client.bucket}/${name} was written by somebody else meanwhile.`);
      } finally {
        await content.close();
      }
    },

    async remove(name, ifGeneration) {
      const query: Record<string, string> = ifGeneration === undefined ? {} : { ifGenerationMatch: ifGeneration };
      const response = await client.request(`remove ${name}`, client.objectUrl(name, query), {
        method: 'DELETE',
        expect: [404, 412],
      });
      await response.body?.cancel();
    },
  };
}

const bucketObject = ({ name, size, generation, timeCreated, crc32c }: ObjectRecord): BucketObject => ({
  name,
  sizeBytes: Number(size),
  generation,
  modifiedAt: new Date(timeCreated),
  crc32c,
});
