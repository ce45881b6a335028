import type { DatasetClip, ObjectRef } from '@soundstage/contracts';
import { readJson, sha256, writeJson, type ObjectStore } from '@soundstage/core';

/*
 * What became of each source, so that the next run need not ask again:
 *
 *     collector/sources/<2 digits>/<hash of the source's identity>.json
 */

export type ClipOutcome = 'collected' | 'near_duplicate' | 'duplicate' | 'refused';

/** How one source ended. */
export interface SourceRecord {
  identity: string;
  outcome: ClipOutcome;
  /** Of a refused one: why, and whether it will be so for ever. */
  reason?: string;
  message?: string;
  final?: boolean;
  /** Of a collected one. */
  clip?: { key: string; sha256: string; sizeBytes: number; mediaType: string };
  durationS?: number;
  sourceId?: string;
  nearDuplicateOf?: string;
  nearDuplicateDistance?: number;
  nextJobId?: string;
  jobId: string;
  /** The bulk collection that it belonged to; empty for a single one. */
  runId: string;
  endedAt: string;
}

/** Identities: two sources with the same one are the same source. */
export const identityOfUrl = (url: string) => `url:${url}`;
export const identityOfObject = ({ key, sha256: hash }: Pick<ObjectRef, 'key' | 'sha256'>) => `object:${key}:${hash}`;
/** A file that was changed is another source. */
export const identityOfFile = (path: string, sizeBytes: number, modifiedMs: number) =>
  `file:${path}:${sizeBytes}:${Math.round(modifiedMs)}`;
export const identityOfPart = ({ videoId, startS, durationS }: DatasetClip) =>
  `youtube:${videoId}:${startS}+${durationS}`;

const keyOf = (identity: string) => {
  const hash = sha256(identity);
  return `collector/sources/${hash.slice(0, 2)}/${hash}.json`;
};

export async function readSource(store: ObjectStore, identity: string): Promise<SourceRecord | undefined> {
  return (await readJson<SourceRecord>(store, keyOf(identity)))?.value;
}

/** Notes how a source ended. What is there counts no more, but for one: a clip that was collected stays so. */
export async function noteSource(store: ObjectStore, record: SourceRecord): Promise<void> {
  if (record.outcome === 'refused') {
    const earlier = await readSource(store, record.identity);
    if (earlier && earlier.outcome !== 'refused') return;
  }
  await writeJson(store, keyOf(record.identity), record);
}
