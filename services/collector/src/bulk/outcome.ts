import type { BulkCollectionResult } from '@soundstage/contracts';
import type { ClipOutcome, SourceRecord } from '../ledger.js';
import { csvLine } from './csv.js';
import type { Item } from './items.js';

/** How an item ended in this run. */
export type Outcome = ClipOutcome | 'skipped_collected' | 'skipped_refused' | 'not_reached';

/** One line of the report. */
export interface ReportLine {
  source: string;
  outcome: Outcome;
  label: string;
  dataset_split: string;
  licence: string;
  source_id?: string;
  clip?: { key: string; sha256: string; size_bytes: number; media_type: string };
  duration_s?: number;
  near_duplicate_of?: string;
  near_duplicate_distance?: number;
  reason?: string;
  message?: string;
  job_id?: string;
  next_job_id?: string;
}

/** The line of an item with what is known of its source. */
export function reportLine(item: Item, licence: string, outcome: Outcome, record?: Partial<SourceRecord>): ReportLine {
  const { clip } = record ?? {};
  const line: ReportLine = {
    source: item.name,
    outcome,
    label: item.label,
    dataset_split: item.datasetSplit,
    licence,
  };
  if (clip) {
    const { key, sha256, sizeBytes, mediaType } = clip;
    line.source_id = item.sourceId || sha256;
    line.clip = { key, sha256, size_bytes: sizeBytes, media_type: mediaType };
  }
  if (record?.durationS !== undefined) line.duration_s = record.durationS;
  if (record?.nearDuplicateOf) line.near_duplicate_of = record.nearDuplicateOf;
  if (record?.nearDuplicateDistance !== undefined) line.near_duplicate_distance = record.nearDuplicateDistance;
  if (record?.reason) line.reason = record.reason;
  if (record?.message) line.message = record.message;
  if (record?.jobId) line.job_id = record.jobId;
  if (record?.nextJobId && outcome !== 'skipped_collected') line.next_job_id = record.nextJobId;
  return line;
}

const COLUMNS = [
  'source',
  'outcome',
  'reason',
  'label',
  'dataset_split',
  'licence',
  'source_id',
  'sha256',
  'size_bytes',
];
const MORE_COLUMNS = ['media_type', 'duration_s', 'near_duplicate_of', 'near_duplicate_distance', 'message', 'job_id'];

/** The report as CSV, with a heading. */
export function* csvReport(lines: Iterable<ReportLine>): Generator<string> {
  yield `${[...COLUMNS, ...MORE_COLUMNS].join(',')}\n`;
  for (const line of lines) {
    const { clip } = line;
    const fields = [line.source, line.outcome, line.reason, line.label, line.dataset_split, line.licence];
    const ofClip = [line.source_id, clip?.sha256, clip?.size_bytes, clip?.media_type, line.duration_s];
    const more = [line.near_duplicate_of, line.near_duplicate_distance, line.message, line.job_id];
    yield `${csvLine([...fields, ...ofClip, ...more].map((field) => field ?? ''))}\n`;
  }
}

export type Counts = Omit<BulkCollectionResult, 'report' | 'reportCsv'>;

/** What the lines come to. */
export function countLines(lines: readonly ReportLine[]): Counts {
  const of = (outcome: Outcome) => lines.filter((line) => line.outcome === outcome).length;
  const reasons = new Map<string, number>();
  for (const { outcome, reason = 'failed' } of lines) {
    if (outcome === 'refused') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return {
    itemCount: lines.length,
    collectedCount: of('collected') + of('near_duplicate'),
    nearDuplicateCount: of('near_duplicate'),
    duplicateCount: of('duplicate'),
    refusedCount: of('refused'),
    skippedCollectedCount: of('skipped_collected'),
    skippedRefusedCount: of('skipped_refused'),
    notReachedCount: of('not_reached'),
    refusals: [...reasons]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
  };
}
