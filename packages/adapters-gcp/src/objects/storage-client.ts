import { Storage } from '@google-cloud/storage';
import { SoundstageError } from '@soundstage/core/errors';
import { withRetry } from '../retry.js';
import { isPassingStatus, StorageHttpError, storageError } from './storage-errors.js';

export interface StorageClientOptions {
  bucket: string;
  /** For example `http://127.0.0.1:4443`. Default: STORAGE_EMULATOR_HOST, else Google's own. */
  endpoint?: string | undefined;
  /** No further try of a call begins after so long, milliseconds. Default 120,000. */
  retryLimitMs?: number | undefined;
}

export interface StorageRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  signal?: AbortSignal | undefined;
  /** How long until the answer's header must have come. Default 60,000. */
  tryMs?: number;
  /** Answers that the caller wants to see though they aren't 2xx. */
  expect?: readonly number[];
  /** Whether it may be tried again. Default: yes; all that is asked for here may be done twice. */
  once?: boolean;
}

/** HTTP to one bucket: addresses, credentials, tries. https://cloud.google.com/storage/docs/json_api/v1 */
export interface StorageClient {
  readonly bucket: string;
  readonly storage: Storage;
  /** Where the bucket is, for example `https://storage.googleapis.com`. */
  readonly origin: string;
  /** The address of an object, or of the collection of objects. */
  objectUrl(key?: string, query?: Record<string, string>): string;
  uploadUrl(query: Record<string, string>): string;
  /** @throws what `storageError` says, for answers that aren't 2xx nor expected; CANCELLED */
  request(what: string, url: string, request?: StorageRequest): Promise<Response>;
}

const TRY_MS = 60_000;
const RETRY_LIMIT_MS = 120_000;

export function createStorageClient(options: StorageClientOptions): StorageClient {
  const { bucket, retryLimitMs = RETRY_LIMIT_MS } = options;
  const given = options.endpoint || process.env.STORAGE_EMULATOR_HOST;
  const endpoint = given && (/^https?:\/\//.test(given) ? given : `http://${given}`).replace(/\/+$/, '');
  const storage = new Storage(endpoint ? { apiEndpoint: endpoint } : {});
  const origin = endpoint ?? 'https://storage.googleapis.com';
  const path = `b/${encodeURIComponent(bucket)}/o`;
  const withQuery = (url: string, query: Record<string, string>) => {
    const search = new URLSearchParams(query).toString();
    return search ? `${url}?${search}` : url;
  };

  /** Headers that say who asks. An emulator isn't told. */
  async function credentials(): Promise<Record<string, string>> {
    if (endpoint) return {};
    try {
      const token = await storage.authClient.getAccessToken();
      return { authorization: `Bearer ${token}` };
    } catch (cause) {
      throw new SoundstageError(
        'UNAVAILABLE',
        `There are no credentials for Cloud Storage (${(cause as Error).message}): give the service an account by Workload Identity, or run "gcloud auth application-default login".`,
        { cause },
      );
    }
  }

  async function once(url: string, request: StorageRequest): Promise<Response> {
    const { method = 'GET', headers = {}, body, signal, tryMs = TRY_MS, expect = [] } = request;
    const overdue = new AbortController();
    const timer = setTimeout(() => overdue.abort(new Error(`no answer within ${tryMs / 1000} s`)), tryMs);
    try {
      const response = await fetch(url, {
        method,
        headers: { ...(await credentials()), ...headers },
        ...(body === undefined ? {} : { body: body as RequestInit['body'] & {} }),
        signal: AbortSignal.any([overdue.signal, ...(signal ? [signal] : [])]),
        redirect: 'manual',
      });
      if (response.ok || expect.includes(response.status)) return response;
      throw await StorageHttpError.of(response);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    bucket,
    storage,
    origin,
    objectUrl: (key, query = {}) =>
      withQuery(`${origin}/storage/v1/${path}${key === undefined ? '' : `/${encodeURIComponent(key)}`}`, query),
    uploadUrl: (query) => withQuery(`${origin}/upload/storage/v1/${path}`, query),
    async request(what, url, request = {}) {
      try {
        return await withRetry(
          () => once(url, request),
          (thrown) => {
            if (request.once || thrown instanceof SoundstageError) return false;
            // Not an answer at all: the line broke.
            if (!(thrown instanceof StorageHttpError)) return true;
            return isPassingStatus(thrown.status) && (thrown.retryAfterMs ?? true);
          },
          { limitMs: retryLimitMs, firstPauseMs: 200, longestPauseMs: 30_000, signal: request.signal },
        );
      } catch (thrown) {
        if (request.signal?.aborted) throw SoundstageError.from(request.signal.reason);
        throw storageError(thrown, what, bucket);
      }
    },
  };
}
