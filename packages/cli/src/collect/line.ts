import { csvField } from '@soundstage/core';

/** How an item of a collection ended; `skipped_…`: an earlier run did it. */
export const OUTCOMES = [
  'collected',
  'near_duplicate',
  'duplicate',
  'refused',
  'skipped_collected',
  'skipped_refused',
  'not_reached',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** A line of the report: as the collector writes it for lists, and as it is written here for files. */
export interface CollectedLine {
  source: string;
  outcome: Outcome;
  label: string;
  dataset_split: string;
  licence: string;
  /** What the clip was cut from; the clip's own hash where nobody knows. */
  source_id?: string;
  clip?: { key: string; sha256: string; size_bytes: number; media_type: string };
  duration_s?: number;
  near_duplicate_of?: string;
  near_duplicate_distance?: number;
  reason?: string;
  message?: string;
  job_id?: string;
}

export type OutcomeCounts = Record<Outcome, number>;

export function countOutcomes(lines: readonly CollectedLine[]): OutcomeCounts {
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as OutcomeCounts;
  for (const { outcome } of lines) counts[outcome]++;
  return counts;
}

const WORDS: readonly [Outcome, string][] = [
  ['collected', 'collected'],
  ['near_duplicate', 'collected that sound like an earlier one'],
  ['duplicate', 'duplicates'],
  ['refused', 'refused'],
  ['skipped_collected', 'there before'],
  ['skipped_refused', 'refused before'],
  ['not_reached', 'not looked at'],
];

/** `12 collected, 1 refused`. */
export function outcomesInWords(counts: OutcomeCounts): string {
  const told = WORDS.filter(([outcome]) => counts[outcome] > 0);
  return told.map(([outcome, words]) => `${counts[outcome]} ${words}`).join(', ') || 'nothing';
}

const COLUMNS = ['source', 'outcome', 'reason', 'label', 'dataset_split', 'licence', 'source_id', 'sha256'];
const MORE_COLUMNS = ['size_bytes', 'media_type', 'duration_s', 'near_duplicate_of', 'near_duplicate_distance'];
const LAST_COLUMNS = ['message', 'job_id'];

/** The report for spreadsheets, in the columns of the collector's own. */
export function linesAsCsv(lines: readonly CollectedLine[]): string {
  const rows = lines.map((line) => {
    const { clip } = line;
    const first = [line.source, line.outcome, line.reason, line.label, line.dataset_split, line.licence];
    const ofClip = [line.source_id, clip?.sha256, clip?.size_bytes, clip?.media_type, line.duration_s];
    const last = [line.near_duplicate_of, line.near_duplicate_distance, line.message, line.job_id];
    return [...first, ...ofClip, ...last].map((field) => csvField(String(field ?? ''))).join(',');
  });
  return [[...COLUMNS, ...MORE_COLUMNS, ...LAST_COLUMNS].join(','), ...rows, ''].join('\n');
}

export function linesAsJsonl(lines: readonly CollectedLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
