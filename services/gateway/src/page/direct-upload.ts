import { sha256 } from '@noble/hashes/sha2.js';
import { openSession, sendToSession, type ResumableTransport } from '@soundstage/core/resumable-upload';
import type { UploadJson } from '../api-types.js';

/** Whether files can be sent to the object store by themselves; empty: they go to this server. */
export const STORE_ORIGIN = document.querySelector<HTMLMetaElement>('meta[name=store-origin]')?.content ?? '';

const BLOCK_BYTES = 2 ** 20;
/** Up to it the browser's own function is used, which takes a file only whole. */
const WHOLE_BYTES = 128 * 2 ** 20;
const CHUNK_BYTES = 8 * 2 ** 20;

/** The file's SHA-256, hexadecimal. */
export async function hashFile(
  file: File,
  signal: AbortSignal,
  onProgress: (fraction: number) => void,
): Promise<string> {
  // `subtle` is missing where the page comes over plain HTTP from another machine.
  const subtle = (crypto as Partial<Crypto>).subtle;
  if (subtle && file.size <= WHOLE_BYTES) {
    return toHex(new Uint8Array(await subtle.digest('SHA-256', await file.arrayBuffer())));
  }
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += BLOCK_BYTES) {
    signal.throwIfAborted();
    hash.update(new Uint8Array(await file.slice(at, at + BLOCK_BYTES).arrayBuffer()));
    onProgress(Math.min(1, (at + BLOCK_BYTES) / file.size));
  }
  return toHex(hash.digest());
}

/**
 * Sends a file to the object store, in parts, and goes on where it breaks.
 *
 * @returns whether it is there; false where the store can't be reached from this browser at all
 * @throws SoundstageError with a sentence for people
 */
export async function sendToStore(
  file: File,
  { address, complete }: UploadJson,
  signal: AbortSignal,
  onProgress: (fraction: number) => void,
): Promise<boolean> {
  if (complete || !address) return complete;
  const transport: ResumableTransport = {
    open: () => request(address.method, address.url, address.headers, undefined, signal),
    put: (session, { contentRange, start, end }) =>
      request('PUT', session, { 'content-range': contentRange }, file.slice(start, end), signal, (sent) =>
        onProgress((start + sent) / file.size),
      ),
  };
  let session: string | undefined;
  try {
    session = await openSession(transport, { signal });
  } catch (error) {
    if ((error as { reason?: string }).reason === 'UNAVAILABLE') return false;
    throw error;
  }
  if (session !== undefined) await sendToSession(transport, session, file.size, { chunkBytes: CHUNK_BYTES, signal });
  return true;
}

/** By XMLHttpRequest, since fetch can't tell how much has been sent. Rejects when the line breaks. */
function request(
  method: string,
  url: string,
  headers: Record<string, string>,
  body: Blob | undefined,
  signal: AbortSignal,
  onSent?: (bytes: number) => void,
): Promise<{ status: number; location: string | null; range: string | null }> {
  const xhr = new XMLHttpRequest();
  const cancel = () => xhr.abort();
  return new Promise<{ status: number; location: string | null; range: string | null }>((resolve, reject) => {
    const failed = () => reject(new Error('the line broke'));
    xhr.onload = () => {
      const { status } = xhr;
      resolve({ status, location: xhr.getResponseHeader('location'), range: xhr.getResponseHeader('range') });
    };
    xhr.onerror = failed;
    xhr.onabort = failed;
    if (onSent) xhr.upload.onprogress = ({ loaded }) => onSent(loaded);
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) failed();
    else xhr.send(body);
  }).finally(() => signal.removeEventListener('abort', cancel));
}

const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
