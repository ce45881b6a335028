import type { OpenModel } from '@soundstage/models';
import { throwIfAborted } from '@soundstage/core';
import { examine, originalSound, watchClip } from './look.js';
import { levelFor, mixed, TARGET_LUFS, UNDER_ORIGINAL_LU } from './mix.js';
import { followMotion } from './motion.js';
import { joinPictureAndSound } from './mux.js';
import type { Palette } from './palette.js';
import { seededRandom } from './random.js';
import { render } from './render.js';
import { planSounds } from './sound.js';
import { decide, decideByWords, watch, type Recognised } from './what.js';
import { keepTime } from './when.js';

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

/** The models that the job runs. */
export interface FoleyModels {
  motion: OpenModel;
  onset: OpenModel;
  classifier: OpenModel;
  detector: OpenModel;
}

export interface FoleyOptions {
  inputPath: string;
  outputPath: string;
  /** What makes the sound, in words. Without it the picture decides. */
  sound?: string | undefined;
  /** Mix the new sound under the video's own, instead of refusing a video that has sound. */
  keepOriginal?: boolean | undefined;
  /** All chance comes from it: the same seed gives the same bytes. A whole number from 0. */
  seed: number;
  models: FoleyModels;
  palette: Palette;
  signal?: AbortSignal | undefined;
  /** fraction: of this step, 0 to 1. */
  onProgress?: ((step: FoleyStep, fraction: number, message: string) => void) | undefined;
}

export interface FoleyOutcome {
  output: string;
  durationS: number;
  /** At most three, most probable first. */
  classes: Recognised[];
  /** The blows that sound; none where the sound goes on. */
  onsets: { timeS: number; strength: number }[];
  seed: number;
  /** The recordings in use. */
  sounds: { name: string; licence: string }[];
  /** Seconds by step. `what` and `when` run while `look` decodes: theirs is what was left after it. */
  timings: Record<`${FoleyStep}_s`, number>;
  warnings: string[];
  /** Of the finished file. */
  loudnessLufs: number;
  truePeakDbtp: number;
}

/**
 * Gives a silent video sound that fits the picture and is in time with it. The picture itself is copied bit for bit.
 *
 * Throws SoundstageError: BAD_INPUT (see examine() and decideByWords()), CANCELLED, EXHAUSTED (disk full), UNAVAILABLE.
 * Nothing is left at outputPath then.
 */
export async function runFoley(options: FoleyOptions): Promise<FoleyOutcome> {
  const { inputPath, outputPath, sound, keepOriginal = false, seed, models, palette, signal } = options;
  const clock = stepClock(options.onProgress);
  const random = seededRandom(seed);
  throwIfAborted(signal);

  clock.start('look', 'Looking at the picture');
  const told = sound === undefined || sound.trim() === '' ? undefined : decideByWords(sound, palette);
  const clip = await examine(inputPath, { keepOriginal, signal });
  const keeper = keepTime(models.onset, signal);
  const motion = followMotion(models.motion, keeper.add, signal);
  const watcher = told === undefined ? watch(models, palette, signal) : undefined;
  await watchClip(clip, { motion, watcher }, { signal, onProgress: (timeS) => clock.progress(timeS / clip.durationS) });

  clock.start('what', 'Deciding what makes the sound');
  const decision = told ?? decide((await watcher?.finish()) ?? [], palette);

  clock.start('when', 'Finding when it sounds');
  await motion.finish();
  const timing = await keeper.finish(clip.durationS);

  clock.start('sound', 'Choosing recordings');
  const plan = await planSounds({
    chosen: decision.chosen,
    timing,
    durationS: clip.durationS,
    palette,
    random,
    signal,
  });

  clock.start('mix', 'Setting the level');
  const level = await levelFor(() => render(plan), {
    targetLufs: clip.originalLufs === undefined ? TARGET_LUFS : clip.originalLufs - UNDER_ORIGINAL_LU,
    signal,
  });

  clock.start('mux', 'Joining picture and sound');
  const finished = await joinPictureAndSound({
    clip,
    outputPath,
    sound: (lowerDb) => mixed({ blocks: render(plan), level, original: originalSound(clip, signal), lowerDb }),
    signal,
    onProgress: clock.progress,
  });

  return {
    output: outputPath,
    durationS: clip.durationS,
    classes: decision.classes,
    onsets: plan.hits.length === 0 ? [] : timing.onsets.map(({ timeS, strength }) => ({ timeS, strength })),
    seed,
    sounds: plan.recordings.map(({ name, licence }) => ({ name, licence })),
    timings: clock.finish(),
    warnings: [...clip.warnings, ...decision.warnings, ...plan.warnings, ...level.warnings, ...finished.warnings],
    loudnessLufs: finished.loudnessLufs,
    truePeakDbtp: finished.truePeakDbtp,
  };
}

function stepClock(onProgress: FoleyOptions['onProgress']) {
  const timings = Object.fromEntries(STEP_SHARES.map(({ name }) => [`${name}_s`, 0])) as FoleyOutcome['timings'];
  let step: FoleyStep | undefined;
  let message = '';
  let startMs = 0;
  const stop = (): void => {
    if (step === undefined) return;
    timings[`${step}_s`] = (performance.now() - startMs) / 1000;
    onProgress?.(step, 1, message);
  };
  return {
    start(next: FoleyStep, words: string): void {
      stop();
      [step, message, startMs] = [next, words, performance.now()];
      onProgress?.(step, 0, message);
    },
    progress(fraction: number): void {
      if (step !== undefined) onProgress?.(step, Math.max(0, Math.min(1, fraction)), message);
    },
    finish(): FoleyOutcome['timings'] {
      stop();
      return timings;
    },
  };
}
