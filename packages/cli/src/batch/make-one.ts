import { mkdir } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { badInput, exitCode, SoundstageError, throwIfAborted } from '@soundstage/core';
import type { Foley } from '@soundstage/inference';
import { probe, type MediaInfo } from '@soundstage/media';
import type { FoleyOptions } from '../foley/options.js';
import { refuseOutputs, takesAt, videoExtension, writtenFiles, type TakePaths } from '../foley/outputs.js';
import { runPlan, type FoleyResult } from '../foley/run.js';
import { clipView, type ClipView } from '../report/clip-view.js';
import type { BatchEntry } from './entry.js';
import type { BatchInput } from './find-inputs.js';
import type { BatchSource, BatchTarget } from './places.js';
import { isSameInput, readRecord, removeRecord, settingsKey, writeRecord, type BatchRecord } from './record.js';

/** What all inputs of a batch share. */
export interface BatchContext {
  foley: Pick<Foley, 'run' | 'versionOf'>;
  source: Pick<BatchSource, 'take'>;
  target: BatchTarget;
  options: FoleyOptions;
  /** Paths or addresses of all inputs: none of them is ever written. */
  inputs: ReadonlySet<string>;
  /** Outputs of this run, with the input that each belongs to. */
  claimed: Map<string, string>;
  signal: AbortSignal;
  onProgress: (step: string, fraction: number) => void;
}

/** The end of one input, and what there is to print of a result that was made just now. */
export interface MadeOne {
  entry: BatchEntry;
  result?: FoleyResult;
}

/**
 * Brings one input of a batch to its end. Whatever is wrong with it ends in its entry.
 *
 * Throws SoundstageError CANCELLED alone.
 */
export async function makeOne(input: BatchInput, context: BatchContext): Promise<MadeOne> {
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

async function madeOrThere(input: BatchInput, context: BatchContext, tookS: () => number): Promise<MadeOne> {
  const { foley, source, target, options, signal } = context;
  if (input.problem !== undefined) throw badInput(input.problem, 'input');
  const settings = settingsKey(options, foley.versionOf(options.engine));
  const record = await readRecord(target, input.name);
  if (!options.force && record?.state === 'done' && record.settings === settings) {
    // Nothing to do, and so not even looked at: a batch of thousands goes on at once.
    if ((await target.there(record.files)).length === record.files.length) {
      claim(record.files, input, context);
      const same = isSameInput(record, input);
      const reason = same ? THERE : `${THERE}, made before the input changed; --force makes it anew`;
      return { entry: { input, state: 'skipped', reason, tookS: tookS(), clip: record.clip } };
    }
  }
  const taken = await source.take(input, signal);
  try {
    return await madeOf(taken.path, { input, settings, record, context, tookS });
  } finally {
    await taken.release();
    await target.clear();
  }
}

/** Makes the result of an input that is a file of this machine now, unless one is there that isn't to be replaced. */
async function madeOf(
  inputPath: string,
  one: {
    input: BatchInput;
    settings: string;
    record: BatchRecord | undefined;
    context: BatchContext;
    tookS: () => number;
  },
): Promise<MadeOne> {
  const { input, settings, record, context, tookS } = one;
  const { foley, target, options, signal } = context;
  const skipped = (reason: string, clip?: ClipView): MadeOne => ({
    entry: { input, state: 'skipped', reason, tookS: tookS(), clip },
  });
  const info = await probe(inputPath, { signal });
  if (info.video === undefined) throw badInput(`${info.name} has no picture: give a video or a still image.`, 'input');
  const takes = takesFor(input, info, context);
  const relativeTo = (path: string) => relative(target.folder, path).split(sep).join('/');
  const files = takes.flatMap(writtenFiles).map(relativeTo);
  claim(files, input, context);
  const existing = options.force ? [] : await target.there(files);
  if (existing.length > 0) {
    const isOurs = files.every((file) => record?.files.includes(file));
    const isUnfinished = isOurs && (record?.state === 'started' || record?.settings === settings);
    if (!isUnfinished) {
      if (record?.clip !== undefined && existing.some((file) => record.files.includes(file)))
        return skipped(`${THERE}, made with other settings or another version; --force makes it anew`, record.clip);
      const known = takes.filter((take) => take.video === undefined || existing.includes(relativeTo(take.video)));
      return skipped(`${THERE}, and not by this command; --force makes it anew`, unknownClip(known, info, relativeTo));
    }
  }

  await mkdir(dirname(join(target.folder, files[0]!)), { recursive: true });
  await refuseOutputs(takes, { inputs: [inputPath], force: true });
  const head = { version: 1, input: input.name, inputBytes: input.bytes, inputModifiedMs: input.modifiedMs } as const;
  await writeRecord(target, { ...head, state: 'started', settings, files });
  if (info.still && options.engine === 'regnet')
    throw badInput('It is a still image, and the engine regnet hears what moves.', 'engine');
  const stillDurationS = info.still ? options.duration : undefined;
  const plan = { input: inputPath, info, takes, cues: undefined, seed: options.seed, stillDurationS };
  const result = await runPlan(foley, plan, { ...options, signal, onProgress: context.onProgress }).catch(
    async (error: unknown) => {
      await removeRecord(target, input.name); // nothing was made, so nothing there is ours
      throw error;
    },
  );
  const spentS = tookS();
  const clip = await clipView({ result, info, inputPath, tookS: spentS, relative: relativeTo, signal });
  await target.keep(files, signal);
  await writeRecord(target, { ...head, state: 'done', settings, files, clip });
  const addressed = withAddresses(result, (path) => target.addressOf(relativeTo(path)));
  return { entry: { input, state: 'done', tookS: spentS, clip }, result: addressed };
}

/** The result as people find it. */
function withAddresses({ outcome, takes, edited }: FoleyResult, addressOf: (path: string) => string): FoleyResult {
  const known = (path: string | undefined) => path && addressOf(path);
  return {
    outcome: {
      ...outcome,
      candidates: outcome.candidates.map((candidate) => ({ ...candidate, output: known(candidate.output) })),
    },
    takes: takes.map(({ video, cues, vtt }) => ({ video: known(video), cues: known(cues), vtt: known(vtt) })),
    edited,
  };
}

const THERE = 'there already';

/**
 * `sub/clip.mp4` stays `sub/clip.mp4`. Where the result is of another kind, the whole name is kept in front, so that
 * `clip.avi` and `clip.png` don't meet: `clip.avi.mp4`, `clip.png.mp4`. Further takes are `clip.take-2.mp4`.
 */
function takesFor(input: BatchInput, info: MediaInfo, { target, options }: BatchContext): TakePaths[] {
  const { only, saveCues = false, candidates = 1 } = options;
  const folder = join(target.folder, dirname(input.name));
  const extension = videoExtension(info);
  const own = basename(input.name);
  const video = extname(own).toLowerCase() === extension ? own : own + extension;
  return takesAt(join(folder, only === 'cues' ? `${own}.cues.json` : video), {
    only,
    saveCues,
    candidates,
    mark: '.take-',
  });
}

function claim(files: readonly string[], input: BatchInput, { target, inputs, claimed }: BatchContext): void {
  for (const file of files) {
    if (inputs.has(target.addressOf(file)))
      throw badInput(`Its result would lie over the input ${file}: choose another folder with -o.`, 'output');
    const other = claimed.get(file);
    if (other !== undefined && other !== input.name)
      throw badInput(`Its result would lie where that of ${other} lies (${file}): rename one of the two.`, 'output');
  }
  for (const file of files) claimed.set(file, input.name);
}

/** A result that was there before, of which nothing is known but where it lies. */
function unknownClip(takes: readonly TakePaths[], info: MediaInfo, relativeTo: (path: string) => string): ClipView {
  return {
    durationS: info.durationS,
    still: info.still,
    classes: [],
    warnings: [],
    stills: [],
    takes: takes.map(({ video, cues }) => ({
      video: video && relativeTo(video),
      cues: cues && relativeTo(cues),
      sounds: [],
      drawnHits: [],
      drawnLayers: [],
      peaks: [],
    })),
  };
}

function reasonOf(error: SoundstageError, input: BatchInput): string {
  if (error.reason === 'NOT_FOUND' && input.name.includes('\ufffd'))
    return 'Its name is not written in UTF-8: rename it.';
  return error.message;
}
