import { CollectionSpec, JobState, type BulkCollectionSpec } from '@soundstage/contracts';
import { SoundstageError, type JobStore, type ObjectStore } from '@soundstage/core';
import { readSource } from '../ledger.js';
import type { Item } from './items.js';
import { reportLine, type ReportLine } from './outcome.js';

export interface Run {
  jobId: string;
  spec: BulkCollectionSpec;
  jobs: JobStore;
  store: ObjectStore;
  signal: AbortSignal;
}

/**
 * What is known of an item without trying it: that its entry is wrong, or that an earlier run settled it. Undefined
 * where it is to be tried.
 */
export async function settledBefore(item: Item, { jobId, spec, store }: Run): Promise<ReportLine | undefined> {
  if (item.refusal) return reportLine(item, spec.licence, 'refused', item.refusal);
  const record = await readSource(store, item.identity);
  // What this run noted before it was killed counts as its own: its job tells.
  if (!record || record.runId === jobId) return undefined;
  if (record.outcome !== 'refused') return reportLine(item, spec.licence, 'skipped_collected', record);
  if (!record.final || spec.retryRefused) return undefined;
  return reportLine(item, spec.licence, 'skipped_refused', record);
}

/**
 * Collects one item as a job of its own, which any collector may take, and waits for its end. The job's id follows from
 * this one's and the item's index: a second attempt finds the first one's job.
 */
export async function collectItem(item: Item, index: number, run: Run): Promise<ReportLine> {
  const { spec, jobs, store, jobId, signal } = run;
  const child = await jobs.create({
    kind: 'collection',
    spec: CollectionSpec.toJSON(
      CollectionSpec.fromPartial({
        source: item.source!,
        sourceId: item.sourceId,
        label: item.label,
        datasetSplit: item.datasetSplit,
        licence: spec.licence,
        ...(spec.thenPreprocess && { thenPreprocess: spec.thenPreprocess }),
      }),
    ),
    requestId: `${jobId}/${index}`,
    parentJobId: jobId,
  });
  let ended = child;
  try {
    for await (const now of jobs.watch(child.id, signal)) ended = now;
  } catch (error) {
    // Only when this job is cancelled: when its process stops, the items go on.
    if (signal.aborted && SoundstageError.from(signal.reason).reason === 'CANCELLED') await jobs.cancel(child.id);
    throw error;
  }
  const record = await readSource(store, item.identity);
  if (record?.jobId === child.id) return reportLine(item, spec.licence, record.outcome, record);
  return reportLine(item, spec.licence, 'refused', {
    reason: ended.state === JobState.CANCELLED ? 'cancelled' : 'failed',
    message: ended.error?.message ?? 'It ended without a word.',
    jobId: child.id,
  });
}
