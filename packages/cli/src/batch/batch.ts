import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { badInput, SoundstageError } from '@soundstage/core';
import type { Foley } from '@soundstage/inference';
import { foleyJson } from '../foley/json.js';
import { openFoleyHere } from '../foley/open-here.js';
import { refuseContradictions, type FoleyOptions } from '../foley/options.js';
import { untilInterrupted } from '../interrupt.js';
import { reportKeeper, REPORT_NAME } from '../report/report-file.js';
import { HALF_WRITTEN, writeWhole } from '../write-whole.js';
import { showBatchProgress } from './batch-progress.js';
import { batchSummary, countsOf, passedOverInWords, summaryJson } from './batch-summary.js';
import { toCsv } from './csv.js';
import { lightened, type BatchEntry } from './entry.js';
import { BATCH_FOLDER, findInputs, type FoundInputs } from './find-inputs.js';
import { lockFolder } from './lock.js';
import { makeOne } from './make-one.js';

export const CSV_NAME = 'foley.csv';

/** Where the lines of a batch go: `stdout` gets results, progress goes to stderr by itself. */
export interface BatchSurroundings {
  open: (
    engine: FoleyOptions['engine'],
  ) => Promise<Pick<Foley, 'run' | 'versionOf' | 'findSound' | 'findMuted' | 'close'>>;
  stdout: (text: string) => void;
}

const REAL: BatchSurroundings = { open: openFoleyHere, stdout: (text) => void process.stdout.write(text) };

/**
 * Makes soundtracks for all videos and images below a folder, one after the other. Each input ends as done, skipped,
 * refused or failed; one of them never stops the rest. Gives the exit code: 0 where all is done, 2 where something was
 * refused, 3 where something couldn't be done now or Ctrl-C came.
 *
 * Throws SoundstageError BAD_INPUT for what concerns the whole batch, before any work.
 */
export async function foleyFolder(folder: string, options: FoleyOptions, surroundings = REAL): Promise<0 | 2 | 3> {
  const outputFolder = await checkedOutputFolder(folder, options);
  const found = await findInputs(folder, outputFolder);
  const besides = passedOverInWords(found);
  if (found.inputs.length === 0)
    throw badInput(`There is no video or image below ${folder}${besides === '' ? '' : `, only ${besides}`}.`, 'input');
  await mkdir(join(outputFolder, BATCH_FOLDER), { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw badInput(
      `${outputFolder} can't be written (${cause.code ?? cause.message}): choose another folder with -o.`,
      'output',
    );
  });
  const lock = await lockFolder(outputFolder);
  try {
    return await untilInterrupted((signal) => makeAll({ found, outputFolder, options, signal, surroundings }));
  } finally {
    await lock.release();
  }
}

async function makeAll(batch: {
  found: FoundInputs;
  outputFolder: string;
  options: FoleyOptions;
  signal: AbortSignal;
  surroundings: BatchSurroundings;
}): Promise<0 | 2 | 3> {
  const { found, outputFolder, options, signal, surroundings } = batch;
  const { inputs } = found;
  const startMs = performance.now();
  await removeHalfWritten(outputFolder, inputs);
  const progress = showBatchProgress(inputs, !options.quiet && !options.json);
  const entries: BatchEntry[] = [];
  const report = reportKeeper({ outputFolder, entries, total: inputs.length });
  const foley = await surroundings.open(options.engine);
  try {
    // What is wrong with the options is told once, not with each file.
    foley.versionOf(options.engine);
    if (options.sound !== undefined) foley.findSound(options.sound);
    if (options.mute !== undefined) foley.findMuted(options.mute);
    const shared = { foley, outputFolder, options, signal, claimed: new Map<string, string>() };
    const paths = new Set(inputs.map(({ path }) => resolve(path)));
    for (const input of inputs) {
      progress.begin(input);
      const made = await makeOne(input, { ...shared, inputs: paths, onProgress: progress.step }).catch(unlessStopped);
      if (made === undefined) break;
      entries.push(lightened(made.entry));
      progress.end(made.entry);
      if (options.json) surroundings.stdout(entryJson(made.entry, made.result && foleyJson(made.result)));
      await writeWhole(join(outputFolder, CSV_NAME), toCsv(entries));
      await report.freshen();
    }
  } finally {
    progress.close();
    await foley.close();
    if (entries.length > 0) await report.write();
  }
  const stopped = entries.length < inputs.length;
  const tookS = (performance.now() - startMs) / 1000;
  const told = {
    entries,
    found,
    stopped,
    tookS,
    csv: join(outputFolder, CSV_NAME),
    report: join(outputFolder, REPORT_NAME),
  };
  surroundings.stdout(options.json ? summaryJson(told) : batchSummary(told));
  const counts = countsOf(entries);
  if (stopped || counts.failed > 0) return 3;
  return counts.refused > 0 ? 2 : 0;
}

async function checkedOutputFolder(folder: string, options: FoleyOptions): Promise<string> {
  refuseContradictions(options);
  if (options.cues !== undefined)
    throw badInput(
      'A cue sheet belongs to one video: give that video instead of a folder, or leave --cues out.',
      'cues',
    );
  if (options.output === undefined)
    throw badInput(`${folder} is a folder: say with -o in which folder the results go.`, 'output');
  const outputFolder = resolve(options.output);
  const there = await stat(outputFolder).catch(() => undefined);
  if (there !== undefined && !there.isDirectory())
    throw badInput(`${outputFolder} is a file: choose a folder with -o.`, 'output');
  const given = await stat(folder);
  if (there !== undefined && there.dev === given.dev && there.ino === given.ino)
    throw badInput(
      `The results can't go into the folder of the inputs: choose another with -o, for example ${join(folder, 'foley')}.`,
      'output',
    );
  return outputFolder;
}

/** A killed run leaves half a file under a hidden name; nobody else writes here, since the folder is locked. */
async function removeHalfWritten(outputFolder: string, inputs: FoundInputs['inputs']): Promise<void> {
  const folders = new Set([outputFolder, ...inputs.map(({ name }) => join(outputFolder, dirname(name)))]);
  for (const folder of folders)
    for (const name of await readdir(folder).catch(() => []))
      if (HALF_WRITTEN.test(name)) await rm(join(folder, name), { force: true });
}

function unlessStopped(thrown: unknown): undefined {
  if (SoundstageError.from(thrown).reason !== 'CANCELLED') throw thrown;
}

function entryJson(
  { input, state, reason, tookS, clip }: BatchEntry,
  result: Record<string, unknown> | undefined,
): string {
  const [first] = clip?.takes ?? [];
  const line = {
    input: input.path,
    state,
    reason: reason ?? null,
    took_s: Math.round(tookS * 1000) / 1000,
    ...(result ?? { output: first?.video ?? first?.cues ?? null }),
  };
  return `${JSON.stringify(line)}\n`;
}
