import { csvField } from '@soundstage/core';
import type { BatchEntry } from './entry.js';

/** One column of foley.csv. */
type Cell = string | number | undefined;

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

/**
 * All entries as CSV (RFC 4180): one line for each candidate of each input. Text that a spreadsheet would take for a
 * formula gets an apostrophe in front (OWASP, CSV injection).
 */
export function toCsv(entries: readonly BatchEntry[]): string {
  const lines = [[...COLUMNS], ...entries.flatMap(rowsOf).map((row) => COLUMNS.map((column) => row[column]))];
  return lines.map((cells) => `${cells.map(written).join(',')}\r\n`).join('');
}

function rowsOf({ input, state, reason, tookS, clip }: BatchEntry): Row[] {
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

function written(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  const safe = /^[=+\-@＝＋－＠\t\r\n]/.test(cell) ? `'${cell}` : cell;
  return csvField(safe);
}

function rounded(value: number | undefined, decimals: number): number | undefined {
  return value === undefined ? undefined : Number(value.toFixed(decimals));
}
