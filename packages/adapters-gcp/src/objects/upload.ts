import { randomUUID } from 'node:crypto';
import { SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import { withRetry } from '../retry.js';
import type { Content } from './content.js';
import type { ObjectRecord } from './object-record.js';
import type { StorageClient } from './storage-client.js';
import { isPassingStatus, StorageHttpError } from './storage-errors.js';

export interface UploadRequest {
  key: string;
  content: Content;
  mediaType: string;
  /** 0: only if there is none. */
  ifGeneration: string | undefined;
  /** What is longer goes in chunks of so many bytes: a multiple of 256 KiB, as the protocol asks. */
  chunkBytes: number;
  /** Custom metadata. */
  metadata: Record<string, string>;
  signal: AbortSignal | undefined;
}

const CHUNK_TRY_MS = 120_000;
/** How long one chunk is tried before the upload is given up. */
const CHUNK_LIMIT_MS = 120_000;
/** A session that the server has forgotten is begun anew so often. */
const SESSIONS = 3;

/** The server refused the precondition: somebody else was faster, or we ourselves at an earlier try. */
export const PRECONDITION_FAILED = Symbol('412');

/**
 * Sends an object, in one request or, where it is large, in chunks that can be taken up again. Until the last chunk
 * has come there is no object.
 *
 * @returns what the server has stored, or PRECONDITION_FAILED
 */
export async function upload(
  client: StorageClient,
  request: UploadRequest,
): Promise<ObjectRecord | typeof PRECONDITION_FAILED> {
  const { content, key } = request;
  const response = await (content.sizeBytes <= request.chunkBytes ? uploadAtOnce : uploadInChunks)(client, request);
  if (response === PRECONDITION_FAILED) return response;
  const record = (await response.json()) as ObjectRecord;
  if (record.crc32c === content.crc32c && Number(record.size) === content.sizeBytes) return record;
  // Google's own refuses such content by itself, since it was told the checksum.
  await client.request(`remove ${key}`, client.objectUrl(key, { generation: record.generation }), {
    method: 'DELETE',
    expect: [404],
  });
  throw new SoundstageError('UNAVAILABLE', `${key} was damaged on its way to the store: send it again.`);
}

/** What the server is told of the object, before or beside its content. */
function describe({ key, content, mediaType, metadata }: UploadRequest): string {
  return JSON.stringify({ name: key, contentType: mediaType, crc32c: content.crc32c, metadata });
}

function precondition({ ifGeneration }: UploadRequest): Record<string, string> {
  return ifGeneration === undefined ? {} : { ifGenerationMatch: ifGeneration };
}

async function uploadAtOnce(
  client: StorageClient,
  request: UploadRequest,
): Promise<Response | typeof PRECONDITION_FAILED> {
  const { key, content, mediaType, signal } = request;
  const boundary = `soundstage-${randomUUID()}`;
  const body = Buffer.concat([
    Buffer.from(
      `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${describe(request)}\r\n--${boundary}\r\ncontent-type: ${mediaType}\r\n\r\n`,
    ),
    await content.read(0, content.sizeBytes),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const response = await client.request(
    `store ${key}`,
    client.uploadUrl({ uploadType: 'multipart', ...precondition(request) }),
    {
      method: 'POST',
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body,
      signal,
      expect: [412],
    },
  );
  if (response.status !== 412) return response;
  await response.body?.cancel();
  return PRECONDITION_FAILED;
}

/** https://cloud.google.com/storage/docs/performing-resumable-uploads */
async function uploadInChunks(
  client: StorageClient,
  request: UploadRequest,
): Promise<Response | typeof PRECONDITION_FAILED> {
  const { key, content, signal, mediaType } = request;
  for (let sessions = 1; ; sessions++) {
    const started = await client.request(
      `store ${key}`,
      client.uploadUrl({ uploadType: 'resumable', name: key, ...precondition(request) }),
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=UTF-8',
          'x-upload-content-type': mediaType,
          'x-upload-content-length': String(content.sizeBytes),
        },
        body: describe(request),
        signal,
        expect: [412],
      },
    );
    await started.body?.cancel();
    if (started.status === 412) return PRECONDITION_FAILED;
    const session = started.headers.get('location');
    if (!session) throw new SoundstageError('UNAVAILABLE', `Cloud Storage began no upload of ${key}: try again.`);
    try {
      return await sendChunks(client, session, request);
    } catch (thrown) {
      // Nothing is left behind that somebody pays for.
      void client
        .request(`give up ${key}`, session, { method: 'DELETE', once: true, expect: [404, 410, 499], tryMs: 5000 })
        .then((response) => response.body?.cancel())
        .catch(() => undefined);
      const lost = thrown instanceof StorageHttpError && (thrown.status === 404 || thrown.status === 410);
      if (!lost) throw thrown;
      if (sessions === SESSIONS)
        throw new SoundstageError('UNAVAILABLE', `Cloud Storage loses uploads of ${key}: try again.`, {
          cause: thrown,
        });
    }
  }
}

/** @throws StorageHttpError 404 or 410 when the server has forgotten the session */
async function sendChunks(
  client: StorageClient,
  session: string,
  { key, content, signal, chunkBytes }: UploadRequest,
): Promise<Response | typeof PRECONDITION_FAILED> {
  const { sizeBytes } = content;
  const EXPECTED = [308, 404, 410, 412];
  /** What an answer says: where to go on, or that all is there. */
  async function judge(response: Response): Promise<number | Response | typeof PRECONDITION_FAILED> {
    if (response.status === 404 || response.status === 410) throw await StorageHttpError.of(response);
    if (response.status !== 308 && response.status !== 412) return response;
    await response.body?.cancel();
    if (response.status === 412) return PRECONDITION_FAILED;
    // No range: nothing has come yet.
    const last = /(\d+)$/.exec(response.headers.get('range') ?? '')?.[1];
    return last === undefined ? 0 : Number(last) + 1;
  }

  for (let at = 0; ;) {
    const end = Math.min(at + chunkBytes, sizeBytes);
    const chunk = await content.read(at, end);
    let unsure = false;
    const outcome = await withRetry(
      async () => {
        throwIfAborted(signal);
        if (unsure) {
          // The chunk may have come, wholly or in part, though its answer did not.
          const asked = await client.request(`go on with ${key}`, session, {
            method: 'PUT',
            headers: { 'content-range': `bytes */${sizeBytes}` },
            signal,
            expect: EXPECTED,
          });
          const told = await judge(asked);
          if (told !== at) return told;
        }
        unsure = true;
        const sent = await client.request(`send ${key}`, session, {
          method: 'PUT',
          headers: { 'content-range': `bytes ${at}-${end - 1}/${sizeBytes}` },
          body: chunk,
          signal,
          expect: EXPECTED,
          once: true,
          tryMs: CHUNK_TRY_MS,
        });
        return judge(sent);
      },
      (thrown) => {
        if (thrown instanceof StorageHttpError) return isPassingStatus(thrown.status);
        return thrown instanceof SoundstageError && thrown.retryable;
      },
      { limitMs: CHUNK_LIMIT_MS, firstPauseMs: 200, longestPauseMs: 15_000, signal },
    );
    if (typeof outcome !== 'number') return outcome;
    at = outcome;
  }
}
