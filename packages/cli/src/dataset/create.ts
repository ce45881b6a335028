import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  CreateSplitRequest,
  JobState,
  RejectedClip,
  SplitClip,
  SplitMethod,
  SplitSpec,
  SplitterServiceService,
  type ObjectRef,
  type SplitResult,
} from '@soundstage/contracts';
import { badInput, sha256, SoundstageError } from '@soundstage/core';
import type { CollectedLine } from '../collect/line.js';
import { ask, isRefusal, type Answer, type AskOptions } from '../connect/ask.js';
import { putText } from '../connect/put-text.js';
import type { Connection } from '../connect/connect.js';

/** How a dataset is to be divided. */
export interface Division {
  method: 'shares' | 'own' | 'folds';
  train: number;
  validation: number;
  test: number;
  folds: number;
  seed: number;
}

export interface NewDataset {
  name: string;
  profile: string;
  clips: readonly SplitClip[];
  rejected: readonly RejectedClip[];
  division: Division;
  /** Id of the version that it follows; empty: none. */
  parent: string;
  dvc: boolean;
  pageSamples?: number | undefined;
}

const METHODS = { shares: SplitMethod.SHARES, own: SplitMethod.OWN, folds: SplitMethod.FOLDS };
const LIST_TYPE = 'application/jsonl';

/** The spec of a split; its clips go into the store as a list, however many they are. */
export async function splitSpec(connection: Connection, dataset: NewDataset, signal?: AbortSignal): Promise<SplitSpec> {
  const { division, clips, rejected } = dataset;
  const { method, train, validation, test, folds, seed } = division;
  const list = (lines: readonly unknown[]): Promise<ObjectRef> =>
    putText(connection, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), LIST_TYPE, signal);
  return SplitSpec.fromPartial({
    name: dataset.name,
    profile: dataset.profile,
    clipList: await list(clips.map((clip) => SplitClip.toJSON(clip))),
    ...(rejected.length > 0 && { rejectedList: await list(rejected.map((clip) => RejectedClip.toJSON(clip))) }),
    method: METHODS[method],
    trainShare: train,
    validationShare: validation,
    testShare: test,
    folds,
    seed: BigInt(seed),
    parentVersion: dataset.parent,
    dvc: dataset.dvc,
    ...(dataset.pageSamples !== undefined && { pageSamples: dataset.pageSamples }),
  });
}

/** Has a dataset version made. @throws BAD_INPUT where the splitter refuses it */
export async function split(
  connection: Connection,
  spec: SplitSpec,
  options: AskOptions & { onAnswer?: (answer: Answer) => void },
): Promise<SplitResult> {
  const answer = await ask(
    connection,
    {
      kind: 'split',
      spec: SplitSpec.toJSON(spec),
      create: async (requestId) => {
        const request = CreateSplitRequest.fromPartial({ requestId, spec });
        return (await connection.call(SplitterServiceService.createSplit, request, options.signal)).job;
      },
    },
    options,
  );
  options.onAnswer?.(answer);
  const { job } = answer;
  if (isRefusal(job)) throw badInput(job.error?.message ?? 'The split was refused.', 'split');
  if (job.state !== JobState.SUCCEEDED || job.result?.$case !== 'split') {
    throw new SoundstageError('UNAVAILABLE', `The dataset could not be made now: ${job.error?.message ?? 'cancelled'}`);
  }
  return job.result.value;
}

/** The newest version of a dataset, empty where there is none. */
export async function newestVersion(connection: Connection, name: string, signal?: AbortSignal): Promise<string> {
  try {
    const request = { name, version: '' };
    return (await connection.call(SplitterServiceService.getDataset, request, signal)).version?.id ?? '';
  } catch (error) {
    if (SoundstageError.from(error).reason === 'NOT_FOUND') return '';
    throw error;
  }
}

/**
 * Reads the report of a collection, and gives what a split takes.
 *
 * @throws BAD_INPUT that names the file and the line
 */
export async function readReport(path: string): Promise<{ clips: SplitClip[]; rejected: RejectedClip[] }> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw badInput(`${path} can't be read (${cause.code ?? cause.message}).`, 'report', cause);
  });
  const lines = text.split('\n').map((line, n) => {
    if (line.trim() === '') return undefined;
    try {
      const read = JSON.parse(line) as CollectedLine;
      if (typeof read.source === 'string' && typeof read.outcome === 'string') return read;
    } catch {
      // told below
    }
    throw badInput(
      `Line ${n + 1} of ${basename(path)} is none of a report: give the .jsonl that \`soundstage collect\` wrote.`,
      'report',
    );
  });
  return clipsOfLines(lines.filter((line) => line !== undefined));
}

/** Clips and rejected ones of a collection. Clips that sound alike count as one source, so that no split parts them. */
export function clipsOfLines(lines: readonly CollectedLine[]): { clips: SplitClip[]; rejected: RejectedClip[] } {
  const clips = new Map<string, SplitClip>();
  const rejected: RejectedClip[] = [];
  const sourceOf = new Map<string, string>();
  for (const line of lines) {
    if (line.clip) sourceOf.set(line.clip.sha256, line.source_id ?? line.clip.sha256);
  }
  for (const line of lines) {
    const { clip, near_duplicate_of: nearest, source_id: own, label } = line;
    if (clip === undefined) {
      if (line.outcome === 'not_reached') continue;
      const reason = line.reason ?? 'failed';
      rejected.push(RejectedClip.fromPartial({ id: line.source, label, reason, message: line.message ?? '' }));
      continue;
    }
    const known = own !== undefined && own !== clip.sha256 ? own : undefined;
    const sourceId = known ?? (nearest === undefined ? undefined : sourceOf.get(nearest)) ?? clip.sha256;
    const key = sha256(`${clip.sha256}\n${label}`);
    if (clips.has(key)) continue;
    clips.set(
      key,
      SplitClip.fromPartial({
        clip: { key: clip.key, sha256: clip.sha256, sizeBytes: BigInt(clip.size_bytes), mediaType: clip.media_type },
        sourceId,
        label,
        durationS: line.duration_s ?? 0,
        ownSplit: line.dataset_split,
      }),
    );
  }
  return { clips: [...clips.values()], rejected };
}
