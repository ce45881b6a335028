import { resolve } from 'node:path';
import pLimit from 'p-limit';
import { isBucketAddress } from '@soundstage/adapters';
import { badInput, SoundstageError } from '@soundstage/core';
import { untilInterrupted } from '../interrupt.js';
import { atOnce } from './at-once.js';
import type { BatchJob } from './batch-job.js';
import { showBatchProgress } from './batch-progress.js';
import { batchSummary, countsOf, passedOverInWords, summaryJson } from './batch-summary.js';
import type { BatchEntry } from './entry.js';
import { kindsInWords, type BatchInput, type FoundInputs } from './find-inputs.js';
import { makeOne } from './make-one.js';
import type { BatchPlaces } from './open-places.js';
import { recordsOf } from './record.js';
import { REPORT_NAME, reportKeeper } from './report-keeper.js';

export interface BatchOptions {
  /** Makes anew what is there. */
  force?: boolean;
  /** How many inputs are at work at once, see atOnce(). */
  parallel?: number;
  /** Where services answer, see serverOf(). */
  server?: string;
  json?: boolean;
  quiet?: boolean;
}

/**
 * Does a job on all files below a folder, or a prefix of a bucket. Each input ends as done, skipped, refused or failed; one
 * of them never stops the rest. Results are printed on stdout, progress on stderr. Gives the exit code: 0 where all is done,
 * 2 where something was refused, 3 where something couldn't be done now or Ctrl-C came.
 *
 * Throws SoundstageError BAD_INPUT for what concerns the whole batch, before any work.
 */
export async function runBatch<Clip>(
  job: BatchJob<Clip>,
  { source, target }: BatchPlaces,
  options: BatchOptions,
): Promise<0 | 2 | 3> {
  const parallel = atOnce(options);
  const found = await source.find(target, job.wanted);
  const besides = passedOverInWords(found);
  if (found.inputs.length === 0)
    throw badInput(
      `There is no ${kindsInWords(job.wanted)} below ${source.address}${besides === '' ? '' : `, only ${besides}`}.`,
      'input',
    );
  const lock = await target.lock(found.inputs);
  try {
    return await untilInterrupted((interrupted) => {
      const signal = AbortSignal.any([interrupted, ...(lock.lost ? [lock.lost] : [])]);
      return makeAll(job, { source, target }, { found, options, parallel, signal });
    });
  } finally {
    await lock.release();
  }
}

async function makeAll<Clip>(
  job: BatchJob<Clip>,
  { source, target }: BatchPlaces,
  batch: { found: FoundInputs; options: BatchOptions; parallel: number; signal: AbortSignal },
): Promise<0 | 2 | 3> {
  const { found, options, parallel } = batch;
  const { inputs } = found;
  const startMs = performance.now();
  const progress = showBatchProgress(job, { inputs, parallel }, !options.quiet && !options.json);
  const print = (text: string) => void process.stdout.write(text);
  const entries = inOrderOf<Clip>(inputs);
  const records = recordsOf<Clip>(target, job.recordsName);
  const report = reportKeeper({ job, target, records, entries: entries.all, total: inputs.length });
  // What can't go on for one can't for the others.
  const broken = new AbortController();
  const signal = AbortSignal.any([batch.signal, broken.signal]);
  const worker = await job.open();
  try {
    // What is wrong with the options is told once, not with each file.
    await worker.check();
    const force = options.force ?? false;
    const shared = { worker, source, target, records, force, signal, claimed: new Map<string, string>() };
    const paths = new Set(inputs.map(({ path }) => (isBucketAddress(path) ? path : resolve(path))));
    const make = async (input: BatchInput) => {
      if (signal.aborted) return;
      const shown = progress.begin(input);
      const made = await makeOne(input, { ...shared, inputs: paths, onProgress: shown.step }).catch(unlessStopped);
      if (made === undefined) return;
      const { clip } = made.entry;
      entries.put(clip === undefined ? made.entry : { ...made.entry, clip: job.lightened(clip) });
      shown.end(made.entry);
      if (options.json) print(`${JSON.stringify(job.line(made.entry, made.told))}\n`);
      await report.freshen();
    };
    const turn = pLimit(parallel);
    const ends = inputs.map((input) =>
      turn(make, input).catch((error: unknown) => {
        broken.abort();
        throw error;
      }),
    );
    for (const end of await Promise.allSettled(ends)) if (end.status === 'rejected') throw end.reason;
  } finally {
    progress.close();
    await worker.close();
    if (entries.all.length > 0) await report.write();
  }
  const stopped = entries.all.length < inputs.length;
  const tookS = (performance.now() - startMs) / 1000;
  const kept = (file: string) => (target.keeps?.(file) === false ? undefined : target.addressOf(file));
  const told = { entries: entries.all, found, stopped, tookS, csv: kept(job.csvName), report: kept(REPORT_NAME) };
  print(options.json ? summaryJson(job, told) : batchSummary(job, told));
  const counts = countsOf(entries.all);
  if (stopped || counts.failed > 0) return 3;
  return counts.refused > 0 ? 2 : 0;
}

/** The entries of a batch, in the order of its inputs whichever ends first. */
function inOrderOf<Clip>(inputs: readonly BatchInput[]): {
  all: readonly BatchEntry<Clip>[];
  put: (entry: BatchEntry<Clip>) => void;
} {
  const places = new Map(inputs.map((input, place) => [input, place]));
  const all: BatchEntry<Clip>[] = [];
  return {
    all,
    put(entry) {
      const place = places.get(entry.input)!;
      all.splice(all.findLastIndex(({ input }) => places.get(input)! < place) + 1, 0, entry);
    },
  };
}

function unlessStopped(thrown: unknown): undefined {
  if (SoundstageError.from(thrown).reason !== 'CANCELLED') throw thrown;
}
