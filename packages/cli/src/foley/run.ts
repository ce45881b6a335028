import { resolve } from 'node:path';
import { readCues, toWebVtt, writeCues, type CueSheet } from '@soundstage/cues';
import { badInput } from '@soundstage/core';
import type { Foley, FoleyMade } from '@soundstage/inference';
import { probe, type MediaInfo } from '@soundstage/media';
import { refuseOutputs } from '../outputs.js';
import { writeWhole } from '../write-whole.js';
import { refuseContradictions, type FoleyOptions } from './options.js';
import { planOutputs, writtenFiles, type TakePaths } from './outputs.js';
import { readCueFile, type CueFile } from './cue-file.js';

/** What is going to be done with one file, all of it checked. */
export interface FoleyPlan {
  input: string;
  info: MediaInfo;
  takes: TakePaths[];
  cues: CueFile | undefined;
  /** Undefined: that of the cue sheet, or 1. */
  seed: number | undefined;
  stillDurationS: number | undefined;
}

/** What was done with one file. */
export interface FoleyResult {
  outcome: FoleyMade;
  /** In the order of outcome.candidates. */
  takes: TakePaths[];
  /** Whether it was rendered from a cue sheet that was given. */
  edited: boolean;
}

/**
 * Checks all that can be checked before work starts: options against each other, the input, the cue sheet, the outputs.
 *
 * Throws SoundstageError BAD_INPUT or NOT_FOUND with what to do.
 */
export async function planFoley(input: string, options: FoleyOptions, signal?: AbortSignal): Promise<FoleyPlan> {
  refuseContradictions(options);
  const info = await probe(input, { signal });
  if (info.video === undefined) throw badInput(`${info.name} has no picture: give a video or a still image.`, 'input');
  if (info.still && options.engine === 'regnet')
    throw badInput(
      `${info.name} is a still image, and --engine regnet hears what moves: leave the engine out, and it gets an ambience.`,
      'engine',
    );
  if (!info.still && options.duration !== undefined)
    throw badInput(
      `--duration is for still images, and ${info.name} is a video of ${info.durationS.toFixed(1)} s: leave it out.`,
      'duration',
    );
  const cues = options.cues === undefined ? undefined : await readCueFile(options.cues);
  const sheet = cues && readCues(cues.text, { name: cues.name });
  const takes = await planOutputs(input, info, options);
  const inputs = [input, ...(options.cues === undefined || options.cues === '-' ? [] : [options.cues])];
  await refuseOutputs(takes.flatMap(writtenFiles), { inputs, force: options.force ?? false });
  return {
    input: resolve(input),
    info,
    takes,
    cues,
    seed: options.seed,
    stillDurationS: info.still ? (options.duration ?? sheet?.video.durationS) : undefined,
  };
}

/**
 * Does what was planned; a candidate's cue sheet is written when its video is there.
 *
 * Throws SoundstageError as Foley.run() does.
 */
export async function runPlan(
  foley: Pick<Foley, 'run'>,
  plan: FoleyPlan,
  options: FoleyOptions & {
    signal?: AbortSignal | undefined;
    onProgress?: ((step: string, fraction: number, message: string) => void) | undefined;
  },
): Promise<FoleyResult> {
  const { takes, cues, stillDurationS } = plan;
  const videos = takes.flatMap(({ video }) => (video === undefined ? [] : [video]));
  const outcome = await foley.run({
    inputPath: plan.input,
    ...(options.engine === undefined ? {} : { engine: options.engine }),
    ...(videos.length > 0 ? { outputPaths: videos } : { candidates: takes.length }),
    ...(options.sound === undefined ? {} : { sound: options.sound }),
    ...(options.mute === undefined ? {} : { mute: options.mute }),
    ...(options.quality === undefined ? {} : { quality: options.quality }),
    ...(cues === undefined ? {} : { cues }),
    ...(stillDurationS === undefined ? {} : { stillDurationS }),
    keepOriginal: options.keepOriginal ?? false,
    seed: plan.seed,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  for (const [index, { sheet }] of outcome.candidates.entries())
    if (sheet !== undefined) await writeSheet(sheet, takes[index]!);
  return { outcome, takes, edited: cues !== undefined };
}

async function writeSheet(sheet: CueSheet, { cues, vtt }: TakePaths): Promise<void> {
  if (cues !== undefined) await writeWhole(cues, writeCues(sheet));
  if (vtt !== undefined) await writeWhole(vtt, toWebVtt(sheet));
}
