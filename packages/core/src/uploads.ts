import { createHash, randomUUID } from 'node:crypto';
import type { CreateUploadRequest, ObjectRef, Upload } from '@soundstage/contracts';
import { badInput, SoundstageError, throwIfAborted } from './errors.js';
import { sha256 as hashOf } from './hash.js';
import type { ObjectStore, StoredObject } from './ports/object-store.js';
import { readJson, writeJson } from './store-json.js';

/*
 * An upload is a record and parts, so that it survives every process and works on every store:
 *
 *     uploads/<id>/upload.json          name, size, media type, wanted hash; immutable
 *     uploads/<id>/part-<offset>        bytes, contiguous
 *     uploads/<id>/object.json          the finished object's reference; written last
 *     media/<sha256>                    the content itself
 *     media/<sha256>-<id>               the content of an upload that went to a signed address
 *
 * The bytes of the last kind never pass through a service, so their hash is only what their sender said: hence a key
 * of their own, which no other upload can come to share, and the check in `fetchObject` before work begins.
 */

interface UploadRecord {
  fileName: string;
  sizeBytes: number;
  mediaType: string;
  sha256: string;
  createTime: string;
}

/** Where the bytes of an upload lie that are sent to a signed address. */
const sentKey = (sha256: string, id: string) => `media/${sha256}-${id}`;
/** Whether an object's hash is only what its sender said. */
export const isSentKey = (key: string): boolean => /^media\/[0-9a-f]{64}-[a-z0-9-]{1,64}$/.test(key);

/** Uploads that nobody went on with for so long are removed by `sweepUploads`. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/** @throws BAD_INPUT when the size is zero or over the limit */
export async function createUpload(
  store: ObjectStore,
  request: CreateUploadRequest,
  limitBytes: number,
): Promise<Upload> {
  const sizeBytes = Number(request.sizeBytes);
  const name = request.fileName || 'upload';
  if (sizeBytes === 0) throw badInput(`${JSON.stringify(name)} is empty (0 bytes).`, 'size_bytes');
  if (sizeBytes > limitBytes) {
    throw badInput(
      `${JSON.stringify(name)} has ${sizeBytes} bytes; the limit is ${limitBytes}. Cut or compress it, or raise SOUNDSTAGE_UPLOAD_LIMIT.`,
      'size_bytes',
    );
  }
  if (request.sha256 && !/^[0-9a-f]{64}$/.test(request.sha256)) {
    throw badInput('sha256 must be 64 lower-case hexadecimal digits.', 'sha256');
  }
  const id = request.requestId ? hashOf(`upload\n${request.requestId}`).slice(0, 32) : randomUUID();
  const record: UploadRecord = {
    fileName: name.slice(0, 255),
    sizeBytes,
    mediaType: request.mediaType || 'application/octet-stream',
    sha256: request.sha256,
    createTime: new Date().toISOString(),
  };
  await writeJson(store, `uploads/${id}/upload.json`, record, { ifVersion: 'absent' }).catch((error: unknown) => {
    if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
  });
  const upload = await readUpload(store, id);
  const { sha256 } = await readRecord(store, id);
  if (upload.sizeBytes !== request.sizeBytes || (sha256 && request.sha256 && sha256 !== request.sha256)) {
    throw new SoundstageError('ALREADY_EXISTS', 'The request_id belongs to another upload: choose a new one.', {
      violations: [{ field: 'request_id', description: 'was used for an upload of another size or hash' }],
    });
  }
  return upload;
}

async function readRecord(store: ObjectStore, id: string): Promise<UploadRecord> {
  const found = /^[a-z0-9-]{1,64}$/.test(id)
    ? await readJson<UploadRecord>(store, `uploads/${id}/upload.json`)
    : undefined;
  if (!found) throw new SoundstageError('NOT_FOUND', `There is no upload ${JSON.stringify(id.slice(0, 64))}.`);
  return found.value;
}

/** @throws NOT_FOUND */
export async function readUpload(store: ObjectStore, id: string): Promise<Upload> {
  const record = await readRecord(store, id);
  const finished = await readJson<Omit<ObjectRef, 'sizeBytes'>>(store, `uploads/${id}/object.json`);
  const sizeBytes = BigInt(record.sizeBytes);
  // Sent bytes that turned out not to be what their sender said were removed, and may be sent again.
  const gone = finished && isSentKey(finished.value.key) && !(await store.stat(finished.value.key));
  const object = finished && !gone ? { ...finished.value, sizeBytes } : undefined;
  const committedBytes = object ? sizeBytes : (await partsOf(store, id)).committedBytes;
  return { id, fileName: record.fileName, sizeBytes, committedBytes, object };
}

async function partsOf(store: ObjectStore, id: string): Promise<{ parts: StoredObject[]; committedBytes: bigint }> {
  const parts: StoredObject[] = [];
  let committedBytes = 0n;
  for (const part of await store.list(`uploads/${id}/part-`)) {
    if (BigInt(part.key.slice(-16)) !== committedBytes) break;
    parts.push(part);
    committedBytes += BigInt(part.sizeBytes);
  }
  return { parts, committedBytes };
}

/** Stores bytes at the upload's committed size, which grows by them. @throws CONFLICT when another stream was faster */
export async function appendPart(
  store: ObjectStore,
  upload: Upload,
  bytes: Buffer,
  signal?: AbortSignal,
): Promise<void> {
  throwIfAborted(signal);
  const key = `uploads/${upload.id}/part-${String(upload.committedBytes).padStart(16, '0')}`;
  await store.put(key, bytes, { ifVersion: 'absent' }).catch((error: unknown) => {
    if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
    throw new SoundstageError(
      'CONFLICT',
      'Another stream writes the same upload: ask for its state and go on from there.',
    );
  });
  upload.committedBytes += BigInt(bytes.length);
}

/**
 * Joins the parts of a complete upload to one object under its hash, and removes them.
 *
 * @param knownHash the content's hash, where the caller has it already
 * @throws BAD_INPUT when the content hasn't the hash that was announced
 */
export async function finishUpload(
  store: ObjectStore,
  upload: Upload,
  knownHash: string | undefined,
  signal?: AbortSignal,
): Promise<Upload> {
  const record = await readRecord(store, upload.id);
  const { parts } = await partsOf(store, upload.id);
  async function* content() {
    for (const part of parts) yield* (await store.get(part.key)) as AsyncIterable<Buffer>;
  }
  let sha256 = knownHash;
  if (!sha256) {
    const hash = createHash('sha256');
    for await (const block of content()) hash.update(block);
    sha256 = hash.digest('hex');
  }
  if (record.sha256 && record.sha256 !== sha256) {
    await Promise.all(parts.map((part) => store.delete(part.key)));
    throw badInput(
      `The bytes of ${JSON.stringify(record.fileName)} have the hash ${sha256}, not ${record.sha256}: send them again.`,
      'sha256',
    );
  }
  const object = await storeMedia(store, content(), {
    sha256,
    sizeBytes: upload.sizeBytes,
    mediaType: record.mediaType,
    signal,
  });
  const { sizeBytes: _, ...reference } = object;
  await writeJson(store, `uploads/${upload.id}/object.json`, reference);
  await Promise.all(parts.map((part) => store.delete(part.key)));
  return { ...upload, committedBytes: upload.sizeBytes, object };
}

/** What a signed address is made for. */
export interface SentContent {
  key: string;
  sha256: string;
  sizeBytes: number;
  mediaType: string;
}

/** Where and what the content of an upload is that is sent by itself. @throws BAD_INPUT where the upload's hash wasn't announced */
export async function sentContent(store: ObjectStore, id: string): Promise<SentContent> {
  const { sha256, sizeBytes, mediaType } = await readRecord(store, id);
  if (!sha256) throw badInput('A signed address needs the content’s SHA-256: announce it.', 'sha256');
  return { key: sentKey(sha256, id), sha256, sizeBytes, mediaType };
}

/**
 * Makes bytes that were sent to a signed address the upload's object. Their size and the announced hash are looked at
 * here; that they have the hash is checked when they are first read.
 *
 * @throws CONFLICT while they aren't there; BAD_INPUT when they aren't as many as announced
 */
export async function finishSentUpload(store: ObjectStore, id: string): Promise<Upload> {
  const upload = await readUpload(store, id);
  if (upload.object) return upload;
  const { key, sha256, sizeBytes, mediaType } = await sentContent(store, id);
  const stored = await store.stat(key);
  if (!stored) {
    throw new SoundstageError(
      'CONFLICT',
      `The bytes of ${JSON.stringify(upload.fileName)} haven’t come whole: send them to the signed address first.`,
    );
  }
  if (stored.sizeBytes !== sizeBytes || stored.sha256 !== sha256) {
    await store.delete(key);
    throw badInput(
      `${JSON.stringify(upload.fileName)} came with ${stored.sizeBytes} bytes, not the ${sizeBytes} that were announced: send it again.`,
      'size_bytes',
    );
  }
  const reference = { key, sha256, mediaType };
  await writeJson(store, `uploads/${id}/object.json`, reference);
  return { ...upload, committedBytes: upload.sizeBytes, object: { ...reference, sizeBytes: upload.sizeBytes } };
}

/** Stores media under its hash. "Already there" is success. */
export async function storeMedia(
  store: ObjectStore,
  content: AsyncIterable<Uint8Array>,
  about: { sha256: string; sizeBytes: bigint; mediaType: string; signal?: AbortSignal | undefined },
): Promise<ObjectRef> {
  const { sha256, sizeBytes, mediaType, signal } = about;
  const key = `media/${sha256}`;
  if (!(await store.stat(key))) {
    await store
      .put(key, content, { ifVersion: 'absent', sha256, mediaType, ...(signal ? { signal } : {}) })
      .catch((error: unknown) => {
        if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
      });
  }
  return { key, sizeBytes, sha256, mediaType };
}

/** Removes uploads that were begun and given up. @returns how many */
export async function sweepUploads(store: ObjectStore, now = Date.now()): Promise<number> {
  const objects = await store.list('uploads/');
  const newest = new Map<string, number>();
  for (const { key, modifiedAt } of objects) {
    const id = key.split('/')[1] ?? '';
    newest.set(id, Math.max(newest.get(id) ?? 0, modifiedAt.getTime()));
  }
  const abandoned = new Set([...newest].filter(([, at]) => now - at > ABANDONED_AFTER_MS).map(([id]) => id));
  const finished = new Set(
    objects.filter(({ key }) => key.endsWith('/object.json')).map(({ key }) => key.split('/')[1]),
  );
  for (const id of abandoned) {
    if (finished.has(id)) continue;
    const record = await readJson<UploadRecord>(store, `uploads/${id}/upload.json`);
    if (record?.value.sha256) await store.delete(sentKey(record.value.sha256, id));
  }
  for (const { key } of objects) if (abandoned.has(key.split('/')[1] ?? '')) await store.delete(key);
  return abandoned.size;
}
