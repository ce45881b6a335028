import { badInput, SoundstageError } from '@soundstage/core/errors';
import { checkKey } from '@soundstage/core/ports';
import { SHA256 } from './object-record.js';
import { createStorageClient, type StorageClientOptions } from './storage-client.js';

/** What a browser needs to send or fetch an object without passing through us. */
export interface SignedRequest {
  url: string;
  method: 'GET' | 'PUT';
  /** To be sent exactly so: the signature covers them. */
  headers: Record<string, string>;
  expiresAt: Date;
}

export interface SignedUpload {
  /** The content's hash; the browser has to compute it. What doesn't have it can be read only to be refused. */
  sha256: string;
  sizeBytes: number;
  mediaType: string;
}

export interface SignedUrls {
  /**
   * One PUT of an object that isn't there yet, of exactly this size. It answers 412 when the key is taken.
   *
   * @throws BAD_INPUT for a key or hash that is none
   */
  upload(key: string, about: SignedUpload): Promise<SignedRequest>;
  /** GETs, with ranges too. `fileName` is what a browser saves it as. */
  download(key: string, options?: { fileName?: string }): Promise<SignedRequest>;
}

const EXPIRES_S = 15 * 60;
/** The limit of the signature, version 4. */
const LONGEST_S = 7 * 86_400;

/**
 * Signs addresses of objects, so that media doesn't pass through a service. With Workload Identity the signature comes
 * from the IAM service (`roles/iam.serviceAccountTokenCreator` on the service account itself); no key file is needed.
 * The bucket must allow the page's origin (CORS), see docs/gcp.md.
 *
 * @param options.expiresS how long an address works, seconds; default 900
 */
export function createSignedUrls(options: StorageClientOptions & { expiresS?: number }): SignedUrls {
  const { expiresS = EXPIRES_S } = options;
  if (!(expiresS >= 1 && expiresS <= LONGEST_S))
    throw badInput(`expiresS is ${expiresS}: give 1 to ${LONGEST_S} seconds.`, 'expiresS');
  const { storage, bucket } = createStorageClient(options);

  async function sign(
    key: string,
    action: 'read' | 'write',
    contentType: string | undefined,
    extensionHeaders: Record<string, string>,
    responseDisposition?: string,
  ): Promise<{ url: string; expiresAt: Date }> {
    checkKey(key);
    const expiresAt = new Date(Date.now() + expiresS * 1000);
    try {
      const [url] = await storage
        .bucket(bucket)
        .file(key)
        .getSignedUrl({
          version: 'v4',
          action,
          expires: expiresAt,
          extensionHeaders,
          ...(contentType ? { contentType } : {}),
          ...(responseDisposition ? { responseDisposition } : {}),
        });
      return { url, expiresAt };
    } catch (cause) {
      throw new SoundstageError(
        'UNAVAILABLE',
        `The address of ${key} couldn't be signed (${(cause as Error).message}): does the service account have roles/iam.serviceAccountTokenCreator on itself?`,
        { cause },
      );
    }
  }

  return {
    async upload(key, { sha256, sizeBytes, mediaType }) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) throw badInput('sha256 must be 64 lower-case hexadecimal digits.', 'sha256');
      if (!Number.isInteger(sizeBytes) || sizeBytes < 0)
        throw badInput('sizeBytes must be a whole number.', 'sizeBytes');
      const headers = {
        'x-goog-if-generation-match': '0',
        'x-goog-content-length-range': `${sizeBytes},${sizeBytes}`,
        [`x-goog-meta-${SHA256}`]: sha256,
      };
      const signed = await sign(key, 'write', mediaType, headers);
      return { ...signed, method: 'PUT', headers: { 'content-type': mediaType, ...headers } };
    },

    async download(key, { fileName } = {}) {
      const disposition = fileName && `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}`;
      return { ...(await sign(key, 'read', undefined, {}, disposition)), method: 'GET', headers: {} };
    },
  };
}
