import { CollectionSpec, CollectorServiceService, JobState } from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { ask, isRefusal, type AskOptions } from '../connect/ask.js';
import type { Connection } from '../connect/connect.js';
import { each } from '../connect/each.js';
import type { CollectedLine } from './line.js';
import { hashFile, mediaTypeByName, type LocalFile } from './local-files.js';

export interface CollectFilesOptions extends Pick<AskOptions, 'startedAt' | 'retryRefused' | 'fresh' | 'signal'> {
  licence?: string;
  /** Ends after so many clips that weren't there before; 0: no limit. */
  limit?: number;
  inFlight?: number;
  onLine?: (line: CollectedLine) => void;
}

/**
 * Collects files of this machine: each goes into the store under its hash and through the collector as a job of its own.
 * A file that is refused is a line with its reason; none ends the work.
 *
 * @returns one line a file, in their order
 * @throws what no file is to blame for: a full disk, a server that is gone, CANCELLED
 */
export async function collectFiles(
  connection: Connection,
  files: readonly LocalFile[],
  options: CollectFilesOptions,
): Promise<CollectedLine[]> {
  const { licence = '', limit = 0, inFlight = 64, signal, onLine } = options;
  const lines: CollectedLine[] = files.map(({ name, label, datasetSplit }) => ({
    source: name,
    outcome: 'not_reached',
    label,
    dataset_split: datasetSplit,
    licence,
  }));
  const seen = new Set<string>();
  let collected = 0;
  const room = (onTheirWay: number) => limit === 0 || collected + onTheirWay < limit;
  await each(files, { inFlight, room, signal }, async (file, index) => {
    const line = await collectFile(connection, file, options, seen);
    Object.assign(lines[index]!, line);
    if (line.outcome === 'collected' || line.outcome === 'near_duplicate') collected++;
    onLine?.(lines[index]!);
  });
  return lines;
}

type Ending = Pick<CollectedLine, 'outcome'> & Partial<CollectedLine>;

async function collectFile(
  connection: Connection,
  file: LocalFile,
  { licence = '', startedAt, retryRefused, fresh, signal }: CollectFilesOptions,
  seen: Set<string>,
): Promise<Ending> {
  const sha256 = await hashFile(file.path, signal).catch(async (error: NodeJS.ErrnoException) => {
    if (signal?.aborted) throw error;
    return { problem: error.code ?? error.message };
  });
  if (typeof sha256 !== 'string') {
    return { outcome: 'refused', reason: 'unreadable', message: `${file.name} can't be read (${sha256.problem}).` };
  }
  if (file.sizeBytes === 0) {
    return { outcome: 'refused', reason: 'unreadable', message: `${file.name} is empty (0 bytes).` };
  }
  const upload = await connection.put({ path: file.path, sha256, mediaType: mediaTypeByName(file.name) }, signal);
  const { label, sourceId, datasetSplit } = file;
  const source = { $case: 'upload' as const, value: upload };
  const spec = CollectionSpec.fromPartial({ source, label, sourceId, datasetSplit, licence });
  const { job, before } = await ask(
    connection,
    {
      kind: 'collection',
      spec: CollectionSpec.toJSON(spec),
      create: async (requestId) =>
        (await connection.call(CollectorServiceService.createCollection, { requestId, spec }, signal)).job,
    },
    { startedAt, signal, ...(retryRefused && { retryRefused }), ...(fresh && { fresh }) },
  );
  if (isRefusal(job)) {
    const { reason, message: told } = refusalOf(job.error);
    // The collector knows the clip by its hash alone.
    const message = told.replaceAll(`upload-${sha256.slice(0, 12)}`, file.name);
    return { outcome: before ? 'skipped_refused' : 'refused', reason, message, job_id: job.id };
  }
  if (job.state !== JobState.SUCCEEDED || job.result?.$case !== 'collection') {
    throw new SoundstageError(
      job.state === JobState.CANCELLED ? 'CANCELLED' : 'UNAVAILABLE',
      `${file.name} could not be collected now: ${job.error?.message ?? 'the job was cancelled'}`,
    );
  }
  const { clip, sourceId: cutFrom, media, duplicate, nearDuplicate } = job.result.value;
  const again = seen.has(sha256);
  seen.add(sha256);
  return {
    outcome:
      again || duplicate ? 'duplicate' : before ? 'skipped_collected' : nearDuplicate ? 'near_duplicate' : 'collected',
    source_id: cutFrom,
    clip: { key: clip!.key, sha256, size_bytes: Number(clip!.sizeBytes), media_type: clip!.mediaType },
    ...(media && { duration_s: media.durationS }),
    ...(nearDuplicate?.clip && {
      near_duplicate_of: nearDuplicate.clip.sha256,
      near_duplicate_distance: nearDuplicate.distance,
    }),
    job_id: job.id,
  };
}

/** A job tells its reason in the words of errors; in a report a clip that can't be read is `unreadable`. */
function refusalOf(error: { reason: string; message: string } | undefined): { reason: string; message: string } {
  const reason = error?.reason ?? 'INTERNAL';
  return { reason: reason === 'BAD_INPUT' ? 'unreadable' : reason.toLowerCase(), message: error?.message ?? '' };
}
