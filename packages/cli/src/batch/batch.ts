import { resolve } from 'node:path';
import { isBucketAddress } from '@soundstage/adapters';
import { badInput, SoundstageError } from '@soundstage/core';
import { foleyJson } from '../foley/json.js';
import type { FoleyMaker } from '../foley/foley-maker.js';
import { openFoleyMaker } from '../foley/maker.js';
import { refuseContradictions, type FoleyOptions } from '../foley/options.js';
import { untilInterrupted } from '../interrupt.js';
import { CSV_NAME, REPORT_NAME, reportKeeper } from '../report/report-file.js';
import { showBatchProgress } from './batch-progress.js';
import { batchSummary, countsOf, passedOverInWords, summaryJson } from './batch-summary.js';
import { bucketSource, bucketTarget, refuseSamePlace } from './bucket-places.js';
import { lightened, type BatchEntry } from './entry.js';
import type { FoundInputs } from './find-inputs.js';
import { checkedFolderTarget, folderSource } from './folder-places.js';
import { makeOne } from './make-one.js';
import type { BatchSource, BatchTarget } from './places.js';

/** Where the lines of a batch go: `stdout` gets results, progress goes to stderr by itself. */
export interface BatchSurroundings {
  open: (options: FoleyOptions) => Promise<FoleyMaker>;
  stdout: (text: string) => void;
}

const REAL: BatchSurroundings = { open: openFoleyMaker, stdout: (text) => void process.stdout.write(text) };

/**
 * Makes soundtracks for all videos and images below a folder, or a prefix of a bucket, one after the other. Each input
 * ends as done, skipped, refused or failed; one of them never stops the rest. Gives the exit code: 0 where all is done,
 * 2 where something was refused, 3 where something couldn't be done now or Ctrl-C came.
 *
 * Throws SoundstageError BAD_INPUT for what concerns the whole batch, before any work.
 */
export async function foleyBatch(input: string, options: FoleyOptions, surroundings = REAL): Promise<0 | 2 | 3> {
  const { source, target } = await placesOf(input, options);
  const found = await source.find(target);
  const besides = passedOverInWords(found);
  if (found.inputs.length === 0)
    throw badInput(`There is no video or image below ${input}${besides === '' ? '' : `, only ${besides}`}.`, 'input');
  const lock = await target.lock(found.inputs);
  try {
    return await untilInterrupted((interrupted) => {
      const signal = AbortSignal.any([interrupted, ...(lock.lost ? [lock.lost] : [])]);
      return makeAll({ source, target, found, options, signal, surroundings });
    });
  } finally {
    await lock.release();
  }
}

async function makeAll(batch: {
  source: BatchSource;
  target: BatchTarget;
  found: FoundInputs;
  options: FoleyOptions;
  signal: AbortSignal;
  surroundings: BatchSurroundings;
}): Promise<0 | 2 | 3> {
  const { source, target, found, options, signal, surroundings } = batch;
  const { inputs } = found;
  const startMs = performance.now();
  const progress = showBatchProgress(inputs, !options.quiet && !options.json);
  const entries: BatchEntry[] = [];
  const report = reportKeeper({ target, entries, total: inputs.length });
  const foley = await surroundings.open(options);
  try {
    // What is wrong with the options is told once, not with each file.
    await foley.check(options);
    const shared = { foley, source, target, options, signal, claimed: new Map<string, string>() };
    const paths = new Set(inputs.map(({ path }) => (isBucketAddress(path) ? path : resolve(path))));
    for (const input of inputs) {
      progress.begin(input);
      const made = await makeOne(input, { ...shared, inputs: paths, onProgress: progress.step }).catch(unlessStopped);
      if (made === undefined) break;
      entries.push(lightened(made.entry));
      progress.end(made.entry);
      if (options.json) surroundings.stdout(entryJson(made.entry, made.result && foleyJson(made.result)));
      await report.freshen();
    }
  } finally {
    progress.close();
    await foley.close();
    if (entries.length > 0) await report.write();
  }
  const stopped = entries.length < inputs.length;
  const tookS = (performance.now() - startMs) / 1000;
  const written = { csv: target.addressOf(CSV_NAME), report: target.addressOf(REPORT_NAME) };
  const told = { entries, found, stopped, tookS, ...written };
  surroundings.stdout(options.json ? summaryJson(told) : batchSummary(told));
  const counts = countsOf(entries);
  if (stopped || counts.failed > 0) return 3;
  return counts.refused > 0 ? 2 : 0;
}

async function placesOf(input: string, options: FoleyOptions): Promise<{ source: BatchSource; target: BatchTarget }> {
  const { cues, output } = options;
  refuseContradictions(options);
  if (cues !== undefined)
    throw badInput('A cue sheet belongs to one video: give that video alone, or leave --cues out.', 'cues');
  const fromBucket = isBucketAddress(input);
  if (output === undefined)
    throw badInput(`${input} is a ${fromBucket ? 'bucket' : 'folder'}: say with -o where the results go.`, 'output');
  if (fromBucket && isBucketAddress(output)) refuseSamePlace(input, output);
  const source = fromBucket ? await bucketSource(input) : folderSource(input);
  const target = isBucketAddress(output) ? await bucketTarget(output) : await checkedFolderTarget(output, input);
  return { source, target };
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
