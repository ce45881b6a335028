import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { BulkCollectionSpec, CollectorServiceService, JobState, type Job, type ObjectRef } from '@soundstage/contracts';
import { badInput, SoundstageError } from '@soundstage/core';
import { ask, isRefusal, type AskOptions } from '../connect/ask.js';
import type { Connection } from '../connect/connect.js';
import type { CollectedLine } from './line.js';
import { hashFile } from './local-files.js';

export type BulkSource = NonNullable<BulkCollectionSpec['source']>;

export interface CollectListOptions extends Pick<AskOptions, 'startedAt' | 'signal'> {
  label?: string | undefined;
  licence?: string | undefined;
  limit?: number | undefined;
  retryRefused?: boolean | undefined;
  /** Whether an earlier command that asked for the same list is gone on with. Otherwise the list is looked at anew. */
  again: boolean;
  onChange?: (job: Job) => void;
}

/** Stores a list for the collector. @throws BAD_INPUT for one that can't be read or is empty */
export async function putList(
  connection: Connection,
  path: string,
  mediaType: string,
  signal?: AbortSignal,
): Promise<ObjectRef> {
  const text = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw badInput(`The list ${path} can't be read (${cause.code ?? cause.message}).`, 'source', cause);
  });
  if (text.length === 0) throw badInput(`The list ${path} is empty.`, 'source');
  return connection.put({ path, sha256: await hashFile(path, signal), mediaType }, signal);
}

/**
 * Collects a list of addresses, a bucket prefix or a dataset by one job of the collector.
 *
 * @returns the lines of its report
 * @throws BAD_INPUT where the list itself is refused
 */
export async function collectList(
  connection: Connection,
  source: BulkSource,
  options: CollectListOptions,
): Promise<CollectedLine[]> {
  const { label = '', licence = '', limit = 0, retryRefused = false, signal, startedAt, again, onChange } = options;
  const spec = BulkCollectionSpec.fromPartial({ source, label, licence, limit, retryRefused });
  const { job } = await ask(
    connection,
    {
      kind: 'bulkCollection',
      spec: BulkCollectionSpec.toJSON(spec),
      create: async (requestId) =>
        (await connection.call(CollectorServiceService.createBulkCollection, { requestId, spec }, signal)).job,
    },
    { startedAt, signal, fresh: !again, ...(onChange && { onChange }) },
  );
  if (isRefusal(job)) throw badInput(job.error?.message ?? 'The list was refused.', 'source');
  if (job.state !== JobState.SUCCEEDED || job.result?.$case !== 'bulkCollection') {
    throw new SoundstageError(
      'UNAVAILABLE',
      `The list could not be collected now: ${job.error?.message ?? 'cancelled'}`,
    );
  }
  const report = await buffer(connection.download(job.result.value.report!.key, signal));
  return report
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CollectedLine);
}
