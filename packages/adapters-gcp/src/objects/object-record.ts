import type { StoredObject } from '@soundstage/core/ports';

/** An object as Cloud Storage describes it; the fields that we ask for. */
export interface ObjectRecord {
  name: string;
  size: string;
  generation: string;
  contentType?: string;
  timeCreated: string;
  crc32c?: string;
  metadata?: Record<string, string>;
}

export const RECORD_FIELDS = 'name,size,generation,contentType,timeCreated,crc32c,metadata';

/** Custom metadata: the content's hash, which Cloud Storage doesn't know, and which call of `put` has written it. */
export const SHA256 = 'sha256';
export const PUT_ID = 'soundstage-put';

/** The object that a record describes; undefined for one that was put there by others, without its hash. */
export function storedObject(record: ObjectRecord): StoredObject | undefined {
  const sha256 = record.metadata?.[SHA256];
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  return {
    key: record.name,
    sizeBytes: Number(record.size),
    sha256,
    version: record.generation,
    mediaType: record.contentType ?? 'application/octet-stream',
    modifiedAt: new Date(record.timeCreated),
  };
}
