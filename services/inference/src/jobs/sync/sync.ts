import { rename, rm } from 'node:fs/promises';
import { badInput, throwIfAborted } from '@soundstage/core';
import { pictureMovedBy, repairContainer, type MediaInfo } from '@soundstage/media';
import {
  createLooks,
  movedLooks,
  RANGE_S,
  SURE_TO_ALTER,
  type Looks,
  type SyncMeasurement,
  type SyncMeter,
} from '@soundstage/sync';
import { examine } from './examine.js';
import { isBetter } from './is-better.js';
import { checkOutput, draftBeside, writeWhole } from './outputs.js';
import { repair, repairInWords } from './repair.js';
import { syncPage } from './sync-page.js';
import { turnClock, type TurnClock } from './turn-clock.js';

/** The steps of the job in order, with their share of its progress. */
export const STEP_SHARES = [
  { name: 'listen', share: 8 },
  { name: 'look', share: 64 },
  { name: 'compare', share: 4 },
  { name: 'repair', share: 8 },
  { name: 'prove', share: 10 },
  { name: 'report', share: 2 },
] as const;
export type SyncStep = (typeof STEP_SHARES)[number]['name'];

export interface SyncOptions {
  /** A video with sound. */
  inputPath: string;
  /** What `examine` told about it. Without it that is done first. */
  info?: MediaInfo | undefined;
  /**
   * Where the repaired video goes. It is there whole or not at all, an existing file is replaced, and only by what was
   * measured to be better. Absent: it is measured only.
   */
  outputPath?: string | undefined;
  /** Offsets up to so many seconds either way are looked for: 0.2 to 5, 1 by default. */
  rangeS?: number | undefined;
  /** Where the page with all that the measurement rests on goes. */
  reportPath?: string | undefined;
  /** What people call the video; by default its file's name. */
  title?: string | undefined;
  /** Whether the page plays the two videos from where they lie, by relative addresses; true by default. */
  playable?: boolean | undefined;
  meter: Pick<SyncMeter, 'measure'>;
  signal?: AbortSignal | undefined;
  /** fraction: of this step, 0 to 1. */
  onProgress?: ((step: SyncStep, fraction: number, message: string) => void) | undefined;
}

export interface SyncOutcome {
  durationS: number;
  /** Of the input. */
  before: SyncMeasurement;
  /** Of the repaired file, also of one that was thrown away. */
  after: SyncMeasurement | undefined;
  /** Whether there is a file at outputPath that this job made. */
  repaired: boolean;
  /** What was asked for; undefined where nothing was repaired. */
  outputPath: string | undefined;
  reportPath: string | undefined;
  /** In one sentence: how the sound was moved, or why nothing was altered. */
  whatWasDone: string;
  /** Seconds by step. */
  timings: Record<`${SyncStep}_s`, number>;
  warnings: string[];
}

/**
 * Measures by how much picture and sound lie apart, moves the sound to where it belongs, measures again, and keeps the
 * file only if that is better. Nothing is altered where the file is in sync or nothing can be told.
 *
 * Throws SoundstageError: BAD_INPUT (see examine() and checkOutput(); a range out of its limits), CANCELLED, EXHAUSTED
 * (disk full), UNAVAILABLE. Nothing is left at outputPath and reportPath then.
 */
export async function runSync(options: SyncOptions): Promise<SyncOutcome> {
  const { inputPath, outputPath, reportPath, rangeS = RANGE_S.usual, signal } = options;
  throwIfAborted(signal);
  checkRange(rangeS, 'rangeS');
  if (outputPath !== undefined) await checkOutput(outputPath, [inputPath], 'outputPath');
  if (reportPath !== undefined)
    await checkOutput(reportPath, [inputPath, ...(outputPath === undefined ? [] : [outputPath])], 'reportPath');
  const clock = turnClock(
    STEP_SHARES.map(({ name }) => name),
    options.onProgress,
  );

  clock.report('listen', 0, DOING.listen);
  const info = options.info ?? (await examine(inputPath, signal));
  if (outputPath !== undefined) repairContainer(outputPath, info); // refused now where it can't be written
  const looks = outputPath === undefined ? undefined : createLooks();
  const before = await measured(options, info, { rangeS, looks, clock });
  const draft = await repairAndProve(options, { info, before, rangeS, looks, clock });

  clock.report('report', 0, DOING.report);
  let written: string | undefined;
  try {
    const { after, kept, whatWasDone, warnings } = draft;
    if (reportPath !== undefined) {
      const page = await syncPage({ ...options, reportPath, info, before, after, kept });
      await writeWhole(reportPath, page);
      written = reportPath;
    }
    throwIfAborted(signal);
    if (kept) await rename(draft.path, outputPath!);
    clock.report('report', 1, DOING.report);
    return {
      durationS: before.durationS,
      before,
      after,
      repaired: kept,
      outputPath: kept ? outputPath : undefined,
      reportPath,
      whatWasDone,
      timings: clock.finish(),
      warnings: [...new Set([...before.warnings, ...warnings])],
    };
  } catch (error) {
    if (written !== undefined) await rm(written, { force: true });
    throw error;
  } finally {
    if (draft.kept) await rm(draft.path, { force: true });
  }
}

/** Throws SoundstageError BAD_INPUT for a range that can't be looked through. */
export function checkRange(rangeS: number, field: string): void {
  const { least, most } = RANGE_S;
  if (!(rangeS >= least && rangeS <= most))
    throw badInput(`Offsets can be looked for ${least} to ${most} s either way, not ${rangeS}.`, field);
}

const DOING: Record<SyncStep, string> = {
  listen: 'Listening to the sound',
  look: 'Looking for faces',
  compare: 'Comparing lips and sound',
  repair: 'Moving the sound',
  prove: 'Measuring the repaired file',
  report: 'Writing the report',
};

type Clock = TurnClock<SyncStep>;

/** Steps `listen`, `look` and `compare`, which take turns. */
async function measured(
  { inputPath, meter, signal }: SyncOptions,
  info: MediaInfo,
  { rangeS, looks, clock }: { rangeS: number; looks: Looks | undefined; clock: Clock },
): Promise<SyncMeasurement> {
  const measurement = await meter.measure(inputPath, {
    ...{ rangeS, info, looks, signal },
    onProgress: (step, share) => clock.report(step, share, DOING[step]),
  });
  for (const step of ['listen', 'look', 'compare'] as const) clock.report(step, 1, DOING[step]);
  return measurement;
}

/** A file that isn't in its place yet, or why there is none. */
type Draft = { after: SyncMeasurement | undefined; whatWasDone: string; warnings: readonly string[] } & (
  { kept: true; path: string } | { kept: false }
);

/** Steps `repair` and `prove`: makes the repaired file under another name and measures it. */
async function repairAndProve(
  options: SyncOptions,
  {
    info,
    before,
    rangeS,
    looks,
    clock,
  }: { info: MediaInfo; before: SyncMeasurement; rangeS: number; looks: Looks | undefined; clock: Clock },
): Promise<Draft> {
  const { inputPath, outputPath, meter, signal } = options;
  const asItIs = (why: string): Draft => ({ kept: false, after: undefined, whatWasDone: why, warnings: [] });
  if (outputPath === undefined) return asItIs('It was measured, and nothing was altered.');
  if (before.verdict === 'in_sync') return asItIs('It is in sync, so that nothing was altered.');
  if (before.verdict === 'cannot_tell') return asItIs('Nothing can be told of it, so that nothing was altered.');
  if (before.confidence < SURE_TO_ALTER) {
    const percent = (share: number) => `${Math.floor(100 * share)} %`;
    return asItIs(
      `It is ${percent(before.confidence)} sure and asked are ${percent(SURE_TO_ALTER)}, so that nothing was altered. More of the film, or a part where one face speaks, may tell more.`,
    );
  }

  const path = draftBeside(outputPath);
  try {
    clock.report('repair', 0, DOING.repair);
    const { warnings } = await repair(before, {
      path: inputPath,
      outputPath: path,
      info,
      signal,
      onProgress: (share) => clock.report('repair', share, DOING.repair),
    });

    clock.report('repair', 1, DOING.repair);
    const parts = { listen: 0, look: 0, compare: 0 };
    // Its sound is listened to anew. Its faces are followed anew unless its pictures are shown to be the very same ones.
    const movedS = await pictureMovedBy(inputPath, path, { signal });
    const after = await meter.measure(path, {
      ...{ rangeS, signal, looks: movedS === undefined || !looks ? undefined : movedLooks(looks, movedS) },
      onProgress(step, share) {
        parts[step] = share;
        clock.report('prove', 0.15 * parts.listen + 0.8 * parts.look + 0.05 * parts.compare, DOING.prove);
      },
    });
    clock.report('prove', 1, DOING.prove);
    if (isBetter(before, after))
      return {
        kept: true,
        path,
        after,
        whatWasDone: repairInWords(before),
        warnings: [...warnings, ...after.warnings],
      };
    await rm(path, { force: true });
    const why =
      'The repaired file was measured again and not shown to be better, so that it was thrown away: nothing was altered.';
    return { kept: false, after, whatWasDone: why, warnings: [why] };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
