import { SoundstageError } from '@soundstage/core';
import { collectFiles } from '../../collect/collect-files.js';
import { collectList, putList, type BulkSource } from '../../collect/collect-list.js';
import type { CollectedLine } from '../../collect/line.js';
import { hashFile, type LocalFile } from '../../collect/local-files.js';
import { readSource, type CollectSource } from '../../collect/source.js';
import type { Connection } from '../../connect/connect.js';
import { readLabels } from '../labels.js';
import type { CollectStep } from '../recipe.js';
import type { Refused, Step, StepOutcome, StepTools } from '../step.js';

/** The clips that were collected, without what differs from run to run. */
export interface Collected {
  lines: CollectedLine[];
}

/** Looks at the source and its labels, and plans what is to be collected. @throws BAD_INPUT where they are wrong */
export async function collectStep(step: CollectStep): Promise<Step<Collected>> {
  const { label, label_from_folder: labelFromFolder, licence } = step;
  const source = await readSource(step.source, { label, labelFromFolder });
  const shared = { name: 'collect' as const, title: `collect from ${step.source}` };
  if (source.kind === 'files') {
    const { files, missing } = await chosenFiles(source.files, step);
    return {
      ...shared,
      title: `collect ${files.length} files from ${step.source}`,
      inputs: { files: files.map(({ path: _, ...known }) => known), missing, licence },
      work: (tools) => collectTheFiles(files, missing, licence, tools),
    };
  }
  if (step.labels !== undefined) {
    throw new SoundstageError('BAD_INPUT', 'collect.labels goes with a folder of clips alone: leave it out.');
  }
  const { limit, dataset_labels: labels, dataset_split: split } = step;
  const content = source.kind === 'bucket' ? source.prefix : await hashFile(source.path);
  return {
    ...shared,
    inputs: { kind: source.kind, content, limit, label, licence, labels, split },
    always: source.kind === 'bucket',
    work: (tools) => collectTheList(source, step, tools),
  };
}

/** The files that the labels name, with what they say of them; of more than the limit evenly some. */
async function chosenFiles(
  found: readonly LocalFile[],
  { labels: labelsFile, limit }: CollectStep,
): Promise<{ files: LocalFile[]; missing: string[] }> {
  let files = [...found];
  const missing: string[] = [];
  if (labelsFile !== undefined) {
    const byName = new Map(found.map((file) => [file.name, file]));
    files = (await readLabels(labelsFile)).flatMap(({ path, source, label, split }) => {
      const file = byName.get(path);
      if (file === undefined) missing.push(path);
      return file ? [{ ...file, sourceId: source, label: label || file.label, datasetSplit: split }] : [];
    });
  }
  if (limit > 0 && limit < files.length) {
    files = Array.from({ length: limit }, (_, n) => files[Math.floor((n * files.length) / limit)]!);
  }
  return { files, missing: limit > 0 ? [] : missing };
}

async function collectTheFiles(
  files: readonly LocalFile[],
  missing: readonly string[],
  licence: string,
  tools: StepTools,
): Promise<StepOutcome<Collected>> {
  const { progress, ...options } = tools;
  let done = 0;
  let refused = missing.length;
  const tell = () => progress({ done, total: files.length, refused });
  tell();
  const lines = await collectFiles(await tools.connection(), files, {
    ...options,
    licence,
    onLine: (line) => {
      done++;
      if (line.clip === undefined) refused++;
      tell();
    },
  });
  for (const source of missing) {
    const message = `The labels name ${source}, which is not there.`;
    lines.push({ source, outcome: 'refused', label: '', dataset_split: '', licence, reason: 'missing', message });
  }
  return outcomeOf(lines);
}

async function collectTheList(
  source: Exclude<CollectSource, { kind: 'files' }>,
  { label, licence, limit, dataset_labels: labels, dataset_split: split }: CollectStep,
  { connection: connect, progress, ...tools }: StepTools,
): Promise<StepOutcome<Collected>> {
  const connection = await connect();
  const bulk = await bulkSource(connection, source, labels, split, tools.signal);
  progress({ done: 0, total: 0, refused: 0 });
  const lines = await collectList(connection, bulk, {
    ...tools,
    label,
    licence,
    limit,
    // What lies under a prefix may have changed; a list is what it is.
    again: source.kind !== 'bucket' && !tools.fresh && !tools.retryRefused,
    onChange: ({ fraction, steps }) =>
      progress({
        done: Math.round(100 * fraction),
        total: 100,
        refused: 0,
        message: steps.findLast(({ message }) => message)?.message ?? '',
      }),
  });
  return outcomeOf(lines);
}

async function bulkSource(
  connection: Connection,
  source: Exclude<CollectSource, { kind: 'files' }>,
  labels: string[],
  split: string,
  signal: AbortSignal | undefined,
): Promise<BulkSource> {
  switch (source.kind) {
    case 'bucket':
      return { $case: 'bucketPrefix', value: source.prefix };
    case 'urls':
      return { $case: 'urlList', value: await putList(connection, source.path, 'text/plain', signal) };
    case 'dataset': {
      const csv = await putList(connection, source.path, 'text/csv', signal);
      return { $case: 'datasetCsv', value: { csv, clipS: 0, labels, split } };
    }
  }
}

/** @throws BAD_INPUT where no clip is left */
function outcomeOf(lines: readonly CollectedLine[]): StepOutcome<Collected> {
  const before = ['skipped_collected', 'skipped_refused'];
  const kept = lines
    .filter(({ outcome }) => outcome !== 'not_reached')
    .map(({ job_id: _, outcome: __, ...line }) => ({
      ...line,
      outcome: line.clip ? ('collected' as const) : ('refused' as const),
    }));
  const refused = kept.filter(({ clip }) => clip === undefined).map(refusedLine);
  if (refused.length === kept.length) {
    const first = refused[0] ? ` (${refused[0].id}: ${refused[0].message})` : '';
    throw new SoundstageError('BAD_INPUT', `No clip could be collected${first}: name another source.`);
  }
  return {
    value: { lines: kept },
    done: kept.length - refused.length,
    cached: lines.filter(({ outcome, clip }) => clip !== undefined && before.includes(outcome)).length,
    refused,
  };
}

export const refusedLine = ({ source, source_id, label, reason, message }: CollectedLine): Refused => ({
  id: source,
  sourceId: source_id ?? '',
  label,
  reason: reason ?? 'failed',
  message: message ?? '',
});
