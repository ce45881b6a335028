import { rounded, toCsv, type Cell } from '../../batch/csv.js';
import { THERE, type BatchEntry } from '../../batch/entry.js';
import type { FilmView } from './film-view.js';

const COLUMNS = [
  'file',
  'verdict',
  'reason',
  'offset_ms',
  'drift_ppm',
  'segments',
  'confidence',
  'speech_s',
  'repaired',
  'after_offset_ms',
  'after_verdict',
  'output',
  'report',
  'error',
  'duration_s',
  'state',
  'took_s',
] as const;

/** All films as CSV, a row for each. */
export function figures(entries: readonly BatchEntry<FilmView>[]): string {
  return toCsv(COLUMNS, entries.map(rowOf));
}

function rowOf({
  input,
  state,
  reason,
  tookS,
  clip,
}: BatchEntry<FilmView>): Partial<Record<(typeof COLUMNS)[number], Cell>> {
  const row = { file: input.name, error: reason === THERE ? undefined : reason, state };
  if (clip === undefined) return { ...row, took_s: rounded(tookS, 2) };
  const { before, after, repaired, output, report, durationS } = clip;
  const { verdict, segments } = before;
  const most = segments.toSorted((one, other) => other.speechS - one.speechS)[0];
  return {
    ...row,
    verdict,
    reason: before.reason,
    offset_ms: rounded(before.offsetMs, 1),
    drift_ppm: rounded(most?.driftPpm, 1),
    segments: segments.length,
    confidence: rounded(before.confidence, 3),
    speech_s: rounded(
      segments.reduce((sum, { speechS }) => sum + speechS, 0),
      2,
    ),
    repaired: repaired ? 'yes' : 'no',
    after_offset_ms: rounded(after?.offsetMs, 1),
    after_verdict: after?.verdict,
    output,
    report,
    duration_s: rounded(durationS, 3),
    took_s: rounded(clip.tookS, 2),
  };
}
