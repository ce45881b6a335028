import type { BatchJob } from './batch-job.js';
import { durationInWords, shown } from './batch-progress.js';
import type { BatchEntry, BatchState } from './entry.js';
import type { FoundInputs } from './find-inputs.js';

/** What is told at the end of a batch. */
export interface BatchEnd<Clip> {
  entries: readonly BatchEntry<Clip>[];
  found: FoundInputs;
  /** Whether it was stopped before all inputs had their end. */
  stopped: boolean;
  tookS: number;
  /** Where they lie, if they were kept. */
  csv: string | undefined;
  report: string | undefined;
}

const MOST_LISTED = 20;

export function countsOf(entries: readonly BatchEntry<unknown>[]): Record<BatchState, number> {
  const counts = { done: 0, skipped: 0, refused: 0, failed: 0 };
  for (const { state } of entries) counts[state]++;
  return counts;
}

/** Seconds of film that were made now, and what that took. */
export function paceOf<Clip>(
  { durationS }: Pick<BatchJob<Clip>, 'durationS'>,
  entries: readonly BatchEntry<Clip>[],
): { filmS: number; tookS: number } {
  const made = entries.filter(({ state }) => state === 'done');
  return {
    filmS: made.reduce((sum, { clip }) => sum + (clip === undefined ? 0 : durationS(clip)), 0),
    tookS: made.reduce((sum, { tookS }) => sum + tookS, 0),
  };
}

/** The counts in words: `9 done, 1 there already, 2 refused`. */
export function countsInWords(counts: Record<BatchState, number>): string {
  const words = [
    ...(counts.done > 0 ? [`${counts.done} done`] : []),
    ...(counts.skipped > 0 ? [`${counts.skipped} there already`] : []),
    ...(counts.refused > 0 ? [`${counts.refused} refused`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
  ];
  return words.join(', ') || 'none done';
}

/** For people, in a few lines. */
export function batchSummary<Clip>(job: BatchJob<Clip>, end: BatchEnd<Clip>): string {
  const { entries, found, stopped, report, csv } = end;
  const { filmS, tookS } = paceOf(job, entries);
  const pace = filmS > 0 ? ` (${durationInWords(filmS)} of film, ${(tookS / filmS).toFixed(2)} × real time)` : '';
  const wrong = entries.filter(({ state }) => state === 'refused' || state === 'failed');
  const lines = [
    `${files(found.inputs.length)}: ${countsInWords(countsOf(entries))}${pace}`,
    ...(job.totals?.(entries).lines ?? []),
    ...(stopped ? [`Stopped: ${found.inputs.length - entries.length} left. Run the same again to go on.`] : []),
    ...wrong
      .slice(0, MOST_LISTED)
      .map(({ input, state, reason }) => `  ${state}  ${shown(input.name)}: ${shown(reason ?? '')}`),
    ...(wrong.length > MOST_LISTED
      ? [`  … and ${wrong.length - MOST_LISTED} more${report === undefined ? '' : ': see the report'}`]
      : []),
    ...(found.others + found.ours > 0 ? [`Passed over      ${passedOverInWords(found)}`] : []),
    ...(entries.length > 0 && report !== undefined ? [`Look and listen  ${report}`] : []),
    ...(entries.length > 0 && csv !== undefined ? [`Figures          ${csv}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Files of a folder that a batch takes no notice of: `3 files of other kinds and 1 file that Soundstage made`. */
export function passedOverInWords({ others, ours }: FoundInputs): string {
  const parts = [
    ...(others > 0 ? [`${files(others)} of other kinds`] : []),
    ...(ours > 0 ? [`${files(ours)} that Soundstage made`] : []),
  ];
  return parts.join(' and ');
}

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

/** For programs, on one line. */
export function summaryJson<Clip>(job: BatchJob<Clip>, end: BatchEnd<Clip>): string {
  const { filmS, tookS } = paceOf(job, end.entries);
  const line = {
    summary: true,
    files: end.found.inputs.length,
    ...countsOf(end.entries),
    ...job.totals?.(end.entries).fields,
    stopped: end.stopped,
    passed_over: end.found.others + end.found.ours,
    made_duration_s: Math.round(filmS * 1000) / 1000,
    made_took_s: Math.round(tookS * 1000) / 1000,
    took_s: Math.round(end.tookS * 1000) / 1000,
    csv: end.csv ?? null,
    report: end.report ?? null,
  };
  return `${JSON.stringify(line)}\n`;
}
