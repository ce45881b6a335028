import { rounded, toCsv, type Cell } from '../../batch/csv.js';
import type { BatchEntry } from '../../batch/entry.js';
import type { ClipView } from '../report/clip-view.js';

const COLUMNS = [
  'input',
  'output',
  'state',
  'reason',
  'seed',
  'duration_s',
  'scene',
  'top_class',
  'confidence',
  'hits',
  'layers',
  'timing_trust',
  'loudness_lufs',
  'true_peak_dbtp',
  'took_s',
  'times_real_time',
  'warnings',
] as const;

type Row = Partial<Record<(typeof COLUMNS)[number], Cell>>;

/** All entries as CSV: one line for each candidate of each input. */
export function figures(entries: readonly BatchEntry<ClipView>[]): string {
  return toCsv(COLUMNS, entries.flatMap(rowsOf));
}

function rowsOf({ input, state, reason, tookS, clip }: BatchEntry<ClipView>): Row[] {
  const all: Row = { input: input.name, state, reason };
  if (clip === undefined) return [{ ...all, took_s: rounded(tookS, 2) }];
  const [top] = clip.classes;
  return clip.takes.map((take) => ({
    ...all,
    output: take.video ?? take.cues,
    seed: take.seed,
    duration_s: rounded(clip.durationS, 3),
    scene: clip.scene,
    top_class: top?.label,
    confidence: rounded(top?.confidence, 3),
    hits: take.hits,
    layers: take.layers,
    timing_trust: rounded(clip.timingTrust, 3),
    loudness_lufs: rounded(take.loudnessLufs, 1),
    true_peak_dbtp: rounded(take.truePeakDbtp, 1),
    took_s: rounded(clip.tookS, 2),
    times_real_time: clip.tookS === undefined ? undefined : rounded(clip.tookS / clip.durationS, 3),
    warnings: clip.warnings.join(' '),
  }));
}
