import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { badInput, SoundstageError } from '@soundstage/core/errors';
import type { StoredObject } from '@soundstage/core/ports';
import type { StorageClient } from './storage-client.js';

/** No byte for so long, and the line counts as broken. */
const STALL_MS = 60_000;
/** So many breaks in a row that bring no byte end the reading. */
const BREAKS = 8;

/**
 * Opens a range of one generation of an object. A line that breaks is taken up again where it broke; an object that is
 * read from end to end is held to its hash, where that is known.
 *
 * @param hashKnown we made the hash of what we sent; without it the hash is only what somebody else said
 * @returns undefined when that generation is no longer there
 * @throws (from the stream) UNAVAILABLE when the object was replaced and the line broke; INTERNAL when it is damaged;
 *   BAD_INPUT when somebody else sent it and it hasn't the hash that they said
 */
export async function openGeneration(
  client: StorageClient,
  object: Pick<StoredObject, 'key' | 'version' | 'sizeBytes'> & Partial<Pick<StoredObject, 'sha256'>>,
  start: number,
  end: number,
  hashKnown = true,
): Promise<Readable | undefined> {
  const { key, version, sizeBytes, sha256 } = object;
  const url = client.objectUrl(key, { alt: 'media', generation: version });
  const abort = new AbortController();
  const fetchFrom = async (at: number): Promise<AsyncIterator<Uint8Array> | undefined> => {
    const response = await client.request(`read ${key}`, url, {
      // Content is given as it lies there, never unpacked.
      headers: { range: `bytes=${at}-${end - 1}`, 'accept-encoding': 'gzip;q=0, identity' },
      signal: abort.signal,
      expect: [404],
    });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    const body = response.body as unknown as AsyncIterable<Uint8Array> | null;
    return (body ?? Readable.from([]))[Symbol.asyncIterator]();
  };
  const opened = await fetchFrom(start);
  if (!opened) return undefined;
  const first = opened;

  async function* content(): AsyncGenerator<Buffer> {
    const hash = sha256 !== undefined && start === 0 && end === sizeBytes ? createHash('sha256') : undefined;
    let at = start;
    let parts = first;
    try {
      for (let breaks = 0; at < end;) {
        try {
          const next: IteratorResult<Uint8Array> = await inTime(parts.next());
          if (next.done) throw new Error(`the answer ended at byte ${at} of ${end}`);
          const bytes = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength).subarray(
            0,
            end - at,
          );
          hash?.update(bytes);
          at += bytes.length;
          if (bytes.length > 0) breaks = 0;
          yield bytes;
        } catch (thrown) {
          if (thrown instanceof SoundstageError || ++breaks > BREAKS) throw brokenOff(key, thrown);
          void Promise.resolve(parts.return?.()).catch(() => undefined);
          await sleep(Math.min(100 * 2 ** breaks, 5000) * (0.5 + Math.random() / 2));
          const again = await fetchFrom(at);
          if (!again) {
            throw new SoundstageError('UNAVAILABLE', `${key} was replaced while it was read: read it again.`, {
              cause: thrown,
            });
          }
          parts = again;
        }
      }
      const found = hash?.digest('hex');
      if (found !== undefined && found !== sha256 && !hashKnown) {
        throw badInput(
          `The bytes of ${key} have the hash ${found}, not ${sha256} as their sender said: send them again.`,
          'sha256',
        );
      }
      if (found !== undefined && found !== sha256) {
        throw new SoundstageError(
          'INTERNAL',
          `${key} is damaged in the store: its content has the hash ${found}, not ${sha256}.`,
          { retryable: false },
        );
      }
    } finally {
      abort.abort();
    }
  }
  // Who destroys the stream before its first byte never starts the generator, whose end would hang up.
  return Readable.from(content(), { objectMode: false }).once('close', () => abort.abort());
}

function brokenOff(key: string, cause: unknown): SoundstageError {
  if (cause instanceof SoundstageError) return cause;
  return new SoundstageError('UNAVAILABLE', `The line to the store broke while ${key} was read: try again.`, { cause });
}

async function inTime<T>(next: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no byte for ${STALL_MS / 1000} s`)), STALL_MS);
  });
  try {
    return await Promise.race([next, stalled]);
  } finally {
    clearTimeout(timer);
  }
}
