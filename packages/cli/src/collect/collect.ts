import { mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { badInput } from '@soundstage/core';
import { connect, type Connection } from '../connect/connect.js';
import { untilInterrupted } from '../interrupt.js';
import { showProgress, type ProgressDisplay } from '../progress.js';
import { writeWhole } from '../write-whole.js';
import { collectFiles } from './collect-files.js';
import { collectList, putList } from './collect-list.js';
import { countOutcomes, linesAsCsv, linesAsJsonl, outcomesInWords, type CollectedLine } from './line.js';
import { readSource, type CollectSource } from './source.js';

interface CollectOptions {
  limit?: number;
  label?: string;
  labelFromFolder?: boolean;
  licence?: string;
  split?: string;
  labels?: string[];
  retryRefused?: boolean;
  output?: string;
  server?: string;
  json?: boolean;
  quiet?: boolean;
}

export function addCollectCommand(program: Command): void {
  program
    .command('collect')
    .description('Take clips in: from folders, lists of addresses, a bucket, or a dataset on a video site.')
    .argument('<source...>', 'a folder, a clip, a file of addresses (one a line), a dataset CSV, or bucket:PREFIX')
    .option('--limit <n>', 'end after so many clips that were not there before', wholeNumber)
    .option('--label <text>', 'the label of all clips; a dataset has its own')
    .option('--label-from-folder', 'with a folder: a clip is labelled with the name of the folder that it lies in')
    .option('--licence <id>', 'the licence of all clips, as their owners state it')
    .option('--labels <names>', 'of a dataset take these labels alone, separated by commas', names)
    .option('--split <name>', 'of a dataset take this split alone')
    .option('--retry-refused', 'try again what earlier runs refused for good')
    .option('-o, --output <stem>', 'where the report goes: STEM.csv and STEM.jsonl (default: beside the first source)')
    .option(
      '--server <address>',
      'let running services do it: host:port, or name=host:port of each, with commas (default: SOUNDSTAGE_SERVER, else in this process)',
    )
    .option('--json', 'print one JSON object: counts, reasons, paths')
    .option('-q, --quiet', 'show no progress')
    .addHelpText(
      'after',
      `
Each item ends as collected, duplicate, near-duplicate or refused with a named reason; none ends the run. Run again, it
does only what is missing. A dataset CSV is in VGGSound's form: youtube id, start seconds, label, split.

Exit codes: 0 done (refused items are in the report), 2 a source is wrong, 3 couldn't be done now or stopped.

Examples:
  soundstage collect clips/ --label-from-folder
  soundstage collect addresses.txt --licence CC-BY-4.0
  soundstage collect vggsound.csv --labels "dog barking,playing drum kit" --limit 200
  soundstage collect bucket:incoming/2026/ --server 127.0.0.1:7400 --json`,
    )
    .action(async (sources: string[], options: CollectOptions) => {
      await untilInterrupted((signal) => collect(sources, options, signal));
    });
}

async function collect(names: readonly string[], options: CollectOptions, signal: AbortSignal): Promise<void> {
  const sources: CollectSource[] = [];
  for (const name of names) sources.push(await readSource(name, options));
  const stem = options.output ?? besides(names[0]!);
  const progress = showProgress(!options.quiet && !options.json);
  const lines: CollectedLine[] = [];
  const connection = await connect(['collector'], options);
  try {
    for (const source of sources) {
      const room = options.limit === undefined ? 0 : options.limit - newOnes(lines);
      if (options.limit !== undefined && room <= 0) break;
      lines.push(...(await collectOne(connection, source, { options, limit: room, signal, progress })));
    }
  } finally {
    progress.end();
    await connection.close();
  }
  const { csv, jsonl } = await writeReport(stem, lines);
  process.stdout.write(options.json ? asJson(lines, { csv, jsonl }) : asText(lines, csv));
}

const newOnes = (lines: readonly CollectedLine[]) =>
  lines.filter(({ outcome }) => outcome === 'collected' || outcome === 'near_duplicate').length;

interface Run {
  options: CollectOptions;
  limit: number;
  signal: AbortSignal;
  progress: ProgressDisplay;
}

async function collectOne(connection: Connection, source: CollectSource, run: Run): Promise<CollectedLine[]> {
  const { options, limit, signal, progress } = run;
  const { label, licence, retryRefused } = options;
  const shared = { startedAt: new Date(), limit, signal };
  if (source.kind === 'files') {
    const ended: CollectedLine[] = [];
    const { files } = source;
    return collectFiles(connection, files, {
      ...shared,
      ...(licence !== undefined && { licence }),
      ...(retryRefused && { retryRefused }),
      onLine: (line) => {
        ended.push(line);
        const words = `${ended.length} of ${files.length}: ${outcomesInWords(countOutcomes(ended))}`;
        progress.report('collect', ended.length / files.length, words);
      },
    });
  }
  return collectList(connection, await bulkSource(connection, source, options, signal), {
    ...shared,
    label,
    licence,
    retryRefused,
    again: false,
    onChange: ({ steps, fraction }) => progress.report('collect', fraction, steps.findLast((s) => s.message)?.message),
  });
}

async function bulkSource(
  connection: Connection,
  source: Exclude<CollectSource, { kind: 'files' }>,
  { labels = [], split = '' }: CollectOptions,
  signal: AbortSignal,
) {
  switch (source.kind) {
    case 'bucket':
      return { $case: 'bucketPrefix' as const, value: source.prefix };
    case 'urls':
      return { $case: 'urlList' as const, value: await putList(connection, source.path, 'text/plain', signal) };
    case 'dataset': {
      const csv = await putList(connection, source.path, 'text/csv', signal);
      return { $case: 'datasetCsv' as const, value: { csv, clipS: 0, labels, split } };
    }
  }
}

/** `clips/` → `clips.collected` beside it. */
function besides(source: string): string {
  if (source.startsWith('bucket:')) return 'bucket.collected';
  const whole = resolve(source);
  return join(dirname(whole), `${basename(whole)}.collected`);
}

/** Writes the report under names that are free: an earlier report stays what it was. */
async function writeReport(stem: string, lines: readonly CollectedLine[]): Promise<{ csv: string; jsonl: string }> {
  const there = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
  let free = stem;
  for (let n = 2; (await there(`${free}.csv`)) || (await there(`${free}.jsonl`)); n++) free = `${stem}-${n}`;
  await mkdir(dirname(resolve(free)), { recursive: true });
  const paths = { csv: `${free}.csv`, jsonl: `${free}.jsonl` };
  try {
    await writeWhole(paths.csv, linesAsCsv(lines));
    await writeWhole(paths.jsonl, linesAsJsonl(lines));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw badInput(
      `The report can't be written to ${stem}.csv (${code ?? message}): choose another with -o.`,
      'output',
    );
  }
  return paths;
}

const MOST_LISTED = 10;

function asText(lines: readonly CollectedLine[], csv: string): string {
  const refused = lines.filter(({ outcome }) => outcome === 'refused' || outcome === 'skipped_refused');
  const told = [
    outcomesInWords(countOutcomes(lines)),
    ...refused.slice(0, MOST_LISTED).map(({ source, reason, message }) => `  ${source}: ${reason}: ${message}`),
    ...(refused.length > MOST_LISTED ? [`  … and ${refused.length - MOST_LISTED} more: see the report`] : []),
    `Report  ${csv}`,
  ];
  return `${told.join('\n')}\n`;
}

function asJson(lines: readonly CollectedLine[], paths: { csv: string; jsonl: string }): string {
  const reasons: Record<string, number> = {};
  for (const { outcome, reason } of lines) {
    if (reason !== undefined && outcome.endsWith('refused')) reasons[reason] = (reasons[reason] ?? 0) + 1;
  }
  return `${JSON.stringify({ items: lines.length, ...countOutcomes(lines), reasons, report: paths })}\n`;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 1 on.');
}

function names(text: string): string[] {
  const given = text.split(',').map((name) => name.trim());
  if (given.every((name) => name !== '')) return given;
  throw new InvalidArgumentError('Give names with commas between.');
}
