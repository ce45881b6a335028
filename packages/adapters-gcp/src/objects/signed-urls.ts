import { badInput, SoundstageError } from '@soundstage/core/errors';
import { checkKey, type SignedAddress, type SignedAddresses } from '@soundstage/core/ports';
import { SHA256 } from './object-record.js';
import { createStorageClient, type StorageClientOptions } from './storage-client.js';

/** An upload's session, once opened, lives for a week. */
const OPEN_WITHIN_S = 15 * 60;
const DOWNLOAD_S = 3600;
/** The limit of the signature, version 4. */
const LONGEST_S = 7 * 86_400;

export interface SignedUrlOptions extends StorageClientOptions {
  /** Within how long an upload must be begun, seconds. Default 900. */
  openWithinS?: number;
}

/**
 * Signs addresses of objects, so that media doesn't pass through a service. With Workload Identity the signature comes
 * from the IAM service (`roles/iam.serviceAccountTokenCreator` on the service account itself); no key file is needed.
 * The bucket must allow the page's origin (CORS), see docs/gcp.md.
 * https://cloud.google.com/storage/docs/access-control/signed-urls
 */
export function createSignedUrls(options: SignedUrlOptions): SignedAddresses {
  const { openWithinS = OPEN_WITHIN_S } = options;
  const { storage, bucket, origin } = createStorageClient(options);

  async function sign(
    key: string,
    lifetimeS: number,
    request: {
      action: 'read' | 'resumable';
      contentType?: string;
      extensionHeaders?: Record<string, string>;
      responseDisposition?: string;
      responseType?: string;
    },
  ): Promise<Pick<SignedAddress, 'url' | 'expiresAt'>> {
    checkKey(key);
    if (!(lifetimeS >= 1 && lifetimeS <= LONGEST_S))
      throw badInput(`An address can't live for ${lifetimeS} seconds: give 1 to ${LONGEST_S}.`, 'lifetimeS');
    const expiresAt = new Date(Date.now() + lifetimeS * 1000);
    try {
      const [url] = await storage
        .bucket(bucket)
        .file(key)
        .getSignedUrl({ version: 'v4', expires: expiresAt, ...request });
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
    origin,

    async upload(key, { sha256, sizeBytes, mediaType }) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) throw badInput('sha256 must be 64 lower-case hexadecimal digits.', 'sha256');
      if (!Number.isInteger(sizeBytes) || sizeBytes < 0)
        throw badInput('sizeBytes must be a whole number.', 'sizeBytes');
      if (/[^\x20-\x7e]/.test(mediaType)) throw badInput('The media type must be plain text.', 'mediaType');
      const held = {
        'x-goog-if-generation-match': '0',
        'x-goog-content-length-range': `${sizeBytes},${sizeBytes}`,
        [`x-goog-meta-${SHA256}`]: sha256,
      };
      // The library adds x-goog-resumable to what is signed.
      const request = { action: 'resumable', contentType: mediaType, extensionHeaders: { ...held } } as const;
      const signed = await sign(key, openWithinS, request);
      return {
        ...signed,
        method: 'POST',
        headers: { 'content-type': mediaType, 'x-goog-resumable': 'start', ...held },
      };
    },

    async download(key, { fileName, attachment = false, mediaType, lifetimeS = DOWNLOAD_S } = {}) {
      const kind = attachment ? 'attachment' : 'inline';
      const signed = await sign(key, lifetimeS, {
        action: 'read',
        ...(fileName ? { responseDisposition: `${kind}; filename*=UTF-8''${encode(fileName)}` } : {}),
        ...(mediaType ? { responseType: mediaType } : {}),
      });
      return { ...signed, method: 'GET', headers: {} };
    },
  };
}

/** RFC 5987. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
