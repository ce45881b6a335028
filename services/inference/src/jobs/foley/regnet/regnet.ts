import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { badInput, throwIfAborted } from '@soundstage/core';
import { decodeAudio } from '@soundstage/media';
import { finishTakes } from '../finish-takes.js';
import { STEP_SHARES, type FoleyCandidate, type FoleyOutcome, type FoleyStep } from '../foley.js';
import { examine, type Quality } from '../look.js';
import { SAMPLE_RATE_HZ } from '../render/sample-rate.js';
import { stepClock } from '../step-clock.js';
import { createTake, type SoundingModels, type Take } from './take.js';
import { visualRows, type VisualModels } from './visual.js';

export type RegnetModels = VisualModels & SoundingModels;

export interface RegnetOptions {
  /** A silent video. */
  inputPath: string;
  /** Where the finished video of each candidate goes. */
  outputPaths: readonly string[];
  /** `standard` by default; a draft looks at every second frame. */
  quality?: Quality | undefined;
  keepOriginal?: boolean | undefined;
  /** 1 by default; the next candidates take the next ones. */
  seed?: number | undefined;
  models: RegnetModels;
  /** Folder for the sound while it is worked on; the system's temporary one by default. */
  scratch?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((step: FoleyStep, fraction: number, message: string) => void) | undefined;
}

/**
 * Gives a silent video the sound that a net draws from its picture: frames and their flow are described by an image
 * classifier, `regnet` makes a mel spectrum of that (Chen et al. 2020, "Generating Visually Aligned Sound from Videos"),
 * a vocoder makes it sound. There is no cue sheet. The picture is copied bit for bit.
 *
 * Throws SoundstageError: BAD_INPUT (a still image, and see examine()), CANCELLED, EXHAUSTED (disk full), UNAVAILABLE.
 * Nothing is left at outputPaths then.
 */
export async function runRegnet(options: RegnetOptions): Promise<FoleyOutcome> {
  const { inputPath, outputPaths, models, quality = 'standard', seed: firstSeed = 1, signal } = options;
  const clock = stepClock<FoleyStep>(
    STEP_SHARES.map(({ name }) => name),
    options.onProgress,
  );
  throwIfAborted(signal);
  clock.start('look', 'Looking at the picture, drawing its sound');
  const clip = await examine(inputPath, options);
  const { durationS, info } = clip;
  if (info.still)
    throw badInput(
      `${info.name} is a still image, and the engine regnet hears what moves: give a video, or take the engine palette.`,
      'engine',
    );
  const folder = await mkdtemp(join(options.scratch ?? tmpdir(), 'soundstage-regnet-'));
  const takes: Take[] = [];
  try {
    const paths = outputPaths.map((_, index) => join(folder, `${index + 1}.wav`));
    for (const [index, path] of paths.entries())
      takes.push(await createTake(path, models, { seed: firstSeed + index, durationS, signal }));
    const onProgress = (fraction: number): void => clock.progress(fraction);
    for await (const rows of visualRows(clip, models, { quality, signal, onProgress }))
      for (const take of takes) await take.add(rows);
    clock.start('sound', 'Drawing the end of the sound');
    for (const take of takes) await take.finish();

    const unfinished = paths.map((path, index) => ({
      outputPath: outputPaths[index]!,
      sound: () => decodeAudio(path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 2, signal }),
    }));
    const { made, warnings } = await finishTakes({ clip, takes: unfinished, clock, signal });
    const candidates = made.map((each, index): FoleyCandidate => ({
      seed: firstSeed + index,
      sheet: undefined,
      sounds: [],
      ...each,
    }));
    return {
      durationS,
      classes: [],
      timingTrust: undefined,
      candidates,
      timings: clock.finish(),
      warnings: [...new Set([...clip.warnings, ...warningsOf(models), ...warnings])],
    };
  } finally {
    await Promise.all(takes.map((take) => take.close()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a person should know of these models before they take the sound for more than it is. */
function warningsOf({ regnet, vocoder }: SoundingModels): string[] {
  const isPlain = vocoder.card.name === 'griffin_lim';
  return [
    ...[regnet, ...(isPlain ? [] : [vocoder])].flatMap(({ card: { name, version, limits } }) => {
      const told = Array.isArray(limits) ? limits.join(' ') : limits;
      return typeof told === 'string' && told !== '' ? [`About ${name} ${version}: ${told}`] : [];
    }),
    ...(isPlain
      ? [
          'There is no vocoder, so the spectrum was turned into sound by Griffin-Lim, which sounds hollow. `soundstage pipeline run pipelines/foley.yaml` makes one.',
        ]
      : []),
  ];
}
