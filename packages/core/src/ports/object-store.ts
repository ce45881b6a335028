import type { Readable } from 'node:stream';

/**
 * Immutable bytes under keys, and small records that change under a precondition. Adapters: a folder
 * (adapters-local), Google Cloud Storage (adapters-gcp). Contract: `objectStoreContract` in
 * `@soundstage/core/contract-tests`.
 *
 * Keys are relative paths of `[A-Za-z0-9._=-]` segments joined by `/`, at most 512 characters in all and 200 in a
 * segment, with no `.` or `..` segment; others are refused with BAD_INPUT.
 */
export interface ObjectStore {
  /**
   * Writes an object, wholly or not at all: no reader ever sees a part of it.
   *
   * @throws ALREADY_EXISTS with `ifVersion: 'absent'` when the key is taken; CONFLICT when the version differs;
   *   BAD_INPUT when the content's hash isn't `sha256` or it is longer than `maxBytes`; EXHAUSTED when the disk is full.
   *   Over a network both may also be said of a writing that was done, whose answer was lost, and that another has
   *   replaced since: read again, and make a change so that it does no harm to make it twice.
   */
  put(key: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredObject>;

  /**
   * Opens an object for reading. `startByte` is the first byte, `endByte` the first one that isn't wanted, as in
   * `slice`; what lies beyond the end is left out. A reader keeps the bytes that it opened, whatever happens to the
   * key meanwhile.
   *
   * @throws NOT_FOUND
   */
  get(key: string, range?: { startByte?: number; endByte?: number }): Promise<Readable>;

  /** Describes an object, or undefined where there is none. */
  stat(key: string): Promise<StoredObject | undefined>;

  /**
   * Objects whose key starts with `prefix`, in the byte order of their keys, from the first after `after`, at most
   * `limit` (default 1,000).
   */
  list(prefix: string, options?: { after?: string; limit?: number }): Promise<StoredObject[]>;

  /** Removes an object; to remove what isn't there is no error. */
  delete(key: string): Promise<void>;
}

export interface PutOptions {
  /** `absent`: only if the key is free. A version: only if the object still has it. Default: overwrite. */
  ifVersion?: 'absent' | (string & {});
  /** The hash that the content must have, lower-case hexadecimal. */
  sha256?: string;
  mediaType?: string;
  maxBytes?: number;
  signal?: AbortSignal;
}

export interface StoredObject {
  key: string;
  sizeBytes: number;
  /** Lower-case hexadecimal. */
  sha256: string;
  /** Changes with every write of the key; opaque. */
  version: string;
  mediaType: string;
  modifiedAt: Date;
}
