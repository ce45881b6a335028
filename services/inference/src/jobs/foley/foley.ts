import { basename } from 'node:path';
import type { OpenModel } from '@soundstage/models';
import { readCues, roundCues, type CueSheet } from '@soundstage/cues';
import { throwIfAborted } from '@soundstage/core';
import { finishTakes } from './finish-takes.js';
import { examine, watchClip, type Clip, type Quality } from './look.js';
import { followMotion } from './see/motion.js';
import type { Palette, SoundName } from './palette/palette.js';
import { planCues, type Plan } from './plan.js';
import { render } from './render/render.js';
import { chooseSounds, soundPlan, soundsUsed, type SoundPlan } from './render/sound.js';
import { stepClock } from './step-clock.js';
import { decideByWords, mutedBy, watch, type Recognised } from './see/what.js';
import { keepTime } from './see/when.js';

/** The steps of the job, in their order, and their share of its time. */
export const STEP_SHARES = [
  { name: 'look', share: 70 },
  { name: 'what', share: 4 },
  { name: 'when', share: 4 },
  { name: 'sound', share: 2 },
  { name: 'mix', share: 8 },
  { name: 'mux', share: 12 },
] as const;
export type FoleyStep = (typeof STEP_SHARES)[number]['name'];

const DEFAULT_SEED = 1;

/** The models that the job runs. */
export interface FoleyModels {
  motion: OpenModel;
  onset: OpenModel;
  classifier: OpenModel;
  detector: OpenModel;
}

export interface FoleyOptions {
  /** A silent video or a still image. */
  inputPath: string;
  /** Where the finished video of each candidate goes. Absent: only cue sheets are made. */
  outputPaths?: readonly string[] | undefined;
  /** How many cue sheets, where only they are made. 1 by default. */
  candidates?: number | undefined;
  /** What makes the sound, in words. Without it the picture decides. */
  sound?: string | undefined;
  /** Classes and groups of classes that must not sound. */
  mute?: readonly string[] | undefined;
  /** An edited cue sheet. The picture is then not looked at. */
  cues?: { text: string; name: string } | undefined;
  /** `standard` by default. */
  quality?: Quality | undefined;
  /** Mix the new sound under the video's own, instead of refusing a video that has sound. */
  keepOriginal?: boolean | undefined;
  /** How long a still image sounds; 10 by default. */
  stillDurationS?: number | undefined;
  /**
   * All chance comes from it: the same seed gives the same bytes. A whole number from 0; the next candidates take the
   * next ones. By default that of the cue sheet, or 1.
   */
  seed?: number | undefined;
  models: FoleyModels;
  palette: Palette;
  signal?: AbortSignal | undefined;
  /** fraction: of this step, 0 to 1. */
  onProgress?: ((step: FoleyStep, fraction: number, message: string) => void) | undefined;
}

/** One soundtrack, or the plan of one. */
export interface FoleyCandidate {
  seed: number;
  /** Undefined where a net made the sound. */
  sheet: CueSheet | undefined;
  /** What sounds in it. */
  sounds: SoundName[];
  /** The finished video; undefined where only the cue sheet was asked for, and so are its levels. */
  output: string | undefined;
  loudnessLufs: number | undefined;
  truePeakDbtp: number | undefined;
}

export interface FoleyOutcome {
  durationS: number;
  /** At most three, most probable first. */
  classes: Recognised[];
  /** How far the times of the hits can be trusted, 0 to 1; undefined where nothing was timed. */
  timingTrust: number | undefined;
  candidates: FoleyCandidate[];
  /** Seconds by step. `what` and `when` run while `look` decodes: theirs is what was left after it. */
  timings: Record<`${FoleyStep}_s`, number>;
  warnings: string[];
}

/** A soundtrack of the palette, and a job that made such. */
export interface PaletteCandidate extends FoleyCandidate {
  sheet: CueSheet;
}
export interface PaletteOutcome extends FoleyOutcome {
  candidates: PaletteCandidate[];
}

/**
 * Gives a silent video or a still image sound that fits the picture and is in time with it. The picture of a video is
 * copied bit for bit.
 *
 * Throws SoundstageError: BAD_INPUT (see examine(), readCues(), decideByWords() and mutedBy()), CANCELLED, EXHAUSTED
 * (disk full), UNAVAILABLE. Nothing is left at outputPaths then.
 */
export async function runFoley(options: FoleyOptions): Promise<PaletteOutcome> {
  const { outputPaths, signal } = options;
  const clock = stepClock(
    STEP_SHARES.map(({ name }) => name),
    options.onProgress,
  );
  throwIfAborted(signal);
  const count = outputPaths?.length ?? options.candidates ?? 1;

  clock.start('look', 'Looking at the picture');
  const { clip, plan } = options.cues === undefined ? await seenPlan(options, clock) : await editedPlan(options, clock);

  clock.start('sound', 'Choosing recordings');
  const firstSeed = options.seed ?? plan.sheet.seed;
  const sheets = Array.from({ length: count }, (_, index) =>
    chooseSounds({ ...plan.sheet, seed: firstSeed + index }, options.palette),
  );
  const candidates = sheets.map((sheet): PaletteCandidate => {
    const sounds = soundsUsed(sheet, options.palette);
    return { seed: sheet.seed, sheet, sounds, output: undefined, loudnessLufs: undefined, truePeakDbtp: undefined };
  });
  const warnings = new Set([...clip.warnings, ...plan.warnings]);
  if (outputPaths !== undefined) {
    const made = await finished(candidates, clip, outputPaths, options, clock);
    for (const warning of made) warnings.add(warning);
  }
  return {
    durationS: clip.durationS,
    classes: plan.classes,
    timingTrust: plan.sheet.timingTrust ?? undefined,
    candidates,
    timings: clock.finish(),
    warnings: [...warnings],
  };
}

type Clock = ReturnType<typeof stepClock<FoleyStep>>;

/** Looks at the picture and decides what sounds when. */
async function seenPlan(options: FoleyOptions, clock: Clock): Promise<{ clip: Clip; plan: Plan }> {
  const { sound, models, palette, signal } = options;
  const muted = mutedBy(options.mute ?? [], palette);
  const told = sound === undefined || sound.trim() === '' ? undefined : decideByWords(sound, palette);
  const clip = await examine(options.inputPath, options);
  const keeper = keepTime(models.onset, signal);
  const motion = followMotion(models.motion, keeper.add, signal);
  const watcher = told === undefined ? watch(models, palette, signal) : undefined;
  await watchClip(clip, { motion, watcher }, options.quality ?? 'standard', {
    signal,
    onProgress: (timeS) => clock.progress(timeS / clip.durationS),
  });

  clock.start('what', 'Deciding what makes the sound');
  const sights = (await watcher?.finish()) ?? [];

  clock.start('when', 'Finding when it sounds');
  await motion.finish();
  const timing = await keeper.finish(clip.durationS);
  const video = videoOf(clip);
  const plan = planCues({ ...video, timing, sights, told, muted, seed: options.seed ?? DEFAULT_SEED }, palette);
  return { clip, plan: { ...plan, sheet: { ...roundCues(plan.sheet), video } } };
}

/** Takes the plan that a person edited; the picture need only be copied. */
async function editedPlan(options: FoleyOptions, clock: Clock): Promise<{ clip: Clip; plan: Plan }> {
  const { cues, palette } = options;
  const muted = mutedBy(options.mute ?? [], palette);
  const clip = await examine(options.inputPath, options);
  clock.start('what', 'Reading the cue sheet');
  const known = new Map(
    palette.classes.map((each) => [
      each.id,
      { kind: each.kind, sounds: palette.soundsOf(each).map(({ name }) => name) },
    ]),
  );
  const sheet = readCues(cues!.text, { name: cues!.name, durationS: clip.durationS, palette: known });
  const quiet = <T extends { class: string; muted: boolean }>(cue: T): T =>
    muted.has(cue.class) ? { ...cue, muted: true } : cue;
  clock.start('when', 'Taking its times');
  const taken = { ...sheet, video: videoOf(clip), hits: sheet.hits.map(quiet), layers: sheet.layers.map(quiet) };
  return { clip, plan: { sheet: taken, classes: sheet.classes, warnings: sheet.notes } };
}

function videoOf(clip: Clip): CueSheet['video'] {
  return { name: basename(clip.path), durationS: clip.durationS };
}

/** Renders each candidate and joins it with the picture. Gives warnings; fills in the candidates. */
async function finished(
  candidates: readonly PaletteCandidate[],
  clip: Clip,
  outputPaths: readonly string[],
  { palette, signal }: FoleyOptions,
  clock: Clock,
): Promise<string[]> {
  const plans: SoundPlan[] = [];
  for (const { sheet } of candidates) plans.push(await soundPlan(sheet, palette, signal));
  const takes = plans.map((plan, index) => ({ outputPath: outputPaths[index]!, sound: () => render(plan) }));
  const { made, warnings } = await finishTakes({ clip, takes, clock, signal });
  made.forEach((each, index) => Object.assign(candidates[index]!, each));
  return warnings;
}
