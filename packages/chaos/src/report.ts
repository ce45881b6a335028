import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Account } from './ledger.js';
import type { Item } from './item.js';
import { SEED } from './seeded.js';

/** One line of the table. */
export interface Row {
  scenario: string;
  backend: string;
  items: number;
  jobs: number;
  faults: number;
  results: number;
  refusals: number;
  lost: number;
  doubled: number;
  /** From the request to the end of the last job that came of it, seconds. */
  p50S: number;
  p99S: number;
  peakMiB: number;
  peakService: string;
  notes: string;
}

const ARTEFACTS = fileURLToPath(new URL('../../../artefacts', import.meta.url));

export function rowOf(
  scenario: { when: string },
  backend: string,
  items: readonly Item[],
  { jobs, results, refusals, lost, doubled }: Account,
  faults: number,
  peak: { service: string; bytes: number },
  notes: readonly string[],
): Row {
  const latencies = items.flatMap(({ submittedMs, endedMs }) => (endedMs === undefined ? [] : [endedMs - submittedMs]));
  return {
    scenario: scenario.when,
    backend,
    items: items.length,
    jobs,
    faults,
    results,
    refusals,
    lost: lost.length,
    doubled: doubled.length,
    p50S: quantile(latencies, 0.5) / 1000,
    p99S: quantile(latencies, 0.99) / 1000,
    peakMiB: Math.round(peak.bytes / 2 ** 20),
    peakService: peak.service,
    notes: notes.join(', '),
  };
}

/** The smallest value that so large a share of all doesn't exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

const HEADS = ['scenario', 'engines', 'jobs', 'faults', 'results', 'refused', 'lost', 'doubled', 'p50', 'p99', 'peak'];

/** A table in Markdown, which reads as well in a terminal. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.scenario + (row.notes ? ` (${row.notes})` : ''),
    row.backend,
    ...[row.jobs, row.faults, row.results, row.refusals, row.lost, row.doubled].map(String),
    `${row.p50S.toFixed(1)} s`,
    `${row.p99S.toFixed(1)} s`,
    `${row.peakMiB} MiB`,
  ]);
  const widths = HEADS.map((head, at) => Math.max(head.length, ...cells.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  return [line(HEADS), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

/** Writes the table to artefacts/chaos.json and chaos.md. */
export function writeReport(rows: readonly Row[], form: 'short' | 'full', tookS: number): string {
  const table = tableOf(rows);
  const head = `${form} form, seed ${SEED}, ${Math.round(tookS)} s`;
  mkdirSync(ARTEFACTS, { recursive: true });
  writeFileSync(join(ARTEFACTS, 'chaos.json'), `${JSON.stringify({ form, seed: SEED, tookS, rows }, undefined, 2)}\n`);
  writeFileSync(join(ARTEFACTS, 'chaos.md'), `# It survives: ${head}\n\n${table}\n`);
  return `It survives: ${head} (SOUNDSTAGE_CHAOS_SEED sets it)\n${table}`;
}
