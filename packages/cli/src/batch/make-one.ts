import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { badInput, exitCode, SoundstageError, throwIfAborted } from '@soundstage/core';
import { probe } from '@soundstage/media';
import { refuseOutputs } from '../outputs.js';
import type { BatchPlan, BatchWorker } from './batch-job.js';
import { THERE, type BatchEntry } from './entry.js';
import type { BatchInput } from './find-inputs.js';
import type { BatchSource, BatchTarget } from './places.js';
import { isSameInput, type BatchRecord, type BatchRecords } from './record.js';

/** What all inputs of a batch share. */
export interface BatchContext<Clip> {
  worker: Pick<BatchWorker<Clip>, 'settings' | 'plan'>;
  source: Pick<BatchSource, 'take'>;
  target: BatchTarget;
  records: BatchRecords<Clip>;
  /** Whether results that are there are made anew. */
  force: boolean;
  /** Paths or addresses of all inputs: none of them is ever written. */
  inputs: ReadonlySet<string>;
  /** Outputs of this run, with the input that each belongs to. */
  claimed: Map<string, string>;
  signal: AbortSignal;
  onProgress: (step: string, fraction: number) => void;
}

/** The end of one input, and what there is to tell of a result that was made just now. */
export interface MadeOne<Clip> {
  entry: BatchEntry<Clip>;
  told?: object;
}

/**
 * Brings one input of a batch to its end. Whatever is wrong with it ends in its entry.
 *
 * Throws SoundstageError CANCELLED alone.
 */
export async function makeOne<Clip>(input: BatchInput, context: BatchContext<Clip>): Promise<MadeOne<Clip>> {
  const startMs = performance.now();
  const tookS = () => (performance.now() - startMs) / 1000;
  try {
    return await madeOrThere(input, context, tookS);
  } catch (thrown) {
    throwIfAborted(context.signal);
    const error = SoundstageError.from(thrown);
    const state = exitCode(error) === 2 ? 'refused' : 'failed';
    return { entry: { input, state, reason: reasonOf(error, input), tookS: tookS() } };
  }
}

async function madeOrThere<Clip>(
  input: BatchInput,
  context: BatchContext<Clip>,
  tookS: () => number,
): Promise<MadeOne<Clip>> {
  const { worker, source, target, records, force, signal } = context;
  if (input.problem !== undefined) throw badInput(input.problem, 'input');
  const record = await records.read(input.name);
  if (!force && record?.state === 'done' && record.settings === worker.settings) {
    // Nothing to do, and so not even looked at: a batch of thousands goes on at once.
    if ((await target.there(record.files)).length === record.files.length) {
      claim(record.files, input, context);
      const same = isSameInput(record, input);
      const reason = same ? THERE : `${THERE}, made before the input changed; --force makes it anew`;
      return { entry: { input, state: 'skipped', reason, tookS: tookS(), clip: record.clip } };
    }
  }
  const taken = await source.take(input, signal);
  let plan: BatchPlan<Clip> | undefined;
  try {
    const info = await probe(taken.path, { signal });
    plan = worker.plan(input, { path: taken.path, info }, target);
    return await madeOf(taken.path, { input, plan, record, context, tookS });
  } finally {
    await taken.release();
    if (plan !== undefined) await target.clear(plan.files);
  }
}

/** Makes the result of an input that is a file of this machine now, unless one is there that isn't to be replaced. */
async function madeOf<Clip>(
  inputPath: string,
  one: {
    input: BatchInput;
    plan: BatchPlan<Clip>;
    record: BatchRecord<Clip> | undefined;
    context: BatchContext<Clip>;
    tookS: () => number;
  },
): Promise<MadeOne<Clip>> {
  const { input, plan, record, context, tookS } = one;
  const { worker, target, records, signal } = context;
  const { settings } = worker;
  const { files } = plan;
  claim(files, input, context);
  const existing = context.force ? [] : await target.there(files);
  if (existing.length > 0 && !isUnfinished(record, existing, settings)) {
    const skipped = (reason: string, clip: Clip | undefined): MadeOne<Clip> => ({
      entry: { input, state: 'skipped', reason: `${THERE}, ${reason}; --force makes it anew`, tookS: tookS(), clip },
    });
    if (record?.clip !== undefined && existing.some((file) => record.files.includes(file)))
      return skipped('made with other settings or another version', record.clip);
    return skipped('and not by this command', plan.unknown(existing));
  }

  const paths = files.map((file) => join(target.folder, file));
  for (const folder of new Set(paths.map(dirname))) await mkdir(folder, { recursive: true });
  await refuseOutputs(paths, { inputs: [inputPath], force: true });
  const head = { version: 1, input: input.name, inputBytes: input.bytes, inputModifiedMs: input.modifiedMs } as const;
  await records.write({ ...head, state: 'started', settings, files });
  const made = await plan.make({ signal, onProgress: context.onProgress }).catch(async (error: unknown) => {
    await records.remove(input.name); // nothing was made, so nothing there is ours
    throw error;
  });
  const spentS = tookS();
  const clip = await made.clip(spentS);
  await target.keep(made.files, signal);
  // What an earlier run wrote, and what isn't a result any more.
  for (const file of files) if (!made.files.includes(file) && record?.files.includes(file)) await target.remove(file);
  await records.write({ ...head, state: 'done', settings, files: made.files, clip });
  return { entry: { input, state: 'done', tookS: spentS, clip }, told: made.told };
}

/** Whether what is there is ours, and not whole: of a run that was killed, or with a file gone since. */
function isUnfinished<Clip>(
  record: BatchRecord<Clip> | undefined,
  existing: readonly string[],
  settings: string,
): boolean {
  if (record === undefined) return false;
  const isOurs = existing.every((file) => record.files.includes(file));
  return isOurs && (record.state === 'started' || record.settings === settings);
}

function claim<Clip>(files: readonly string[], input: BatchInput, context: BatchContext<Clip>): void {
  const { target, inputs, claimed } = context;
  for (const file of files) {
    if (inputs.has(target.addressOf(file)))
      throw badInput(`Its result would lie over the input ${file}: choose another folder with -o.`, 'output');
    const other = claimed.get(file);
    if (other !== undefined && other !== input.name)
      throw badInput(`Its result would lie where that of ${other} lies (${file}): rename one of the two.`, 'output');
  }
  for (const file of files) claimed.set(file, input.name);
}

function reasonOf(error: SoundstageError, input: BatchInput): string {
  if (error.reason === 'NOT_FOUND' && input.name.includes('\ufffd'))
    return 'Its name is not written in UTF-8: rename it.';
  return error.message;
}
