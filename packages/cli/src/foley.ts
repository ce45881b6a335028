import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { badInput } from '@soundstage/core';
import { openFoley, type FoleyOutcome } from '@soundstage/inference';
import { defaultOutputExtension, probe } from '@soundstage/media';
import { showProgress } from './progress.js';

export interface FoleyOptions {
  output?: string;
  sound?: string;
  keepOriginal?: boolean;
  seed: number;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function addFoleyCommand(program: Command): void {
  program
    .command('foley')
    .description('Make a soundtrack for a silent video: the same picture, with sound that fits and is in time.')
    .argument('<video>', 'the silent video')
    .option('-o, --output <file>', 'where the finished video goes (default: VIDEO.foley.EXT beside the video)')
    .option('--sound <words>', 'what makes the sound, for example "hammer on wood" (default: decided from the picture)')
    .option('--keep-original', "mix the new sound under the video's own")
    .option('--seed <n>', 'another seed gives another take; the same seed gives the same bytes', parseSeed, 1)
    .option('--force', 'overwrite the output if it exists')
    .option('--json', 'print one JSON object on one line')
    .option('-q, --quiet', 'show no progress')
    .addHelpText(
      'after',
      `
Examples:
  soundstage foley silent.mp4
  soundstage foley silent.mp4 -o with-sound.mov --sound "footsteps on gravel"
  soundstage foley interview.mp4 --keep-original --seed 7 --json`,
    )
    .action(async (video: string, options: FoleyOptions) => {
      const outcome = await foleyOneVideo(video, options);
      if (options.json) process.stdout.write(`${JSON.stringify(toJson(outcome))}\n`);
      else process.stdout.write(summary(outcome));
    });
}

/** Runs the foley job on one file, with progress on stderr; Ctrl-C stops it and leaves nothing behind. */
export async function foleyOneVideo(video: string, options: FoleyOptions): Promise<FoleyOutcome> {
  const outputPath = resolve(options.output ?? join(dirname(video), await outputName(video)));
  if (!options.force && (await stat(outputPath).catch(() => undefined))) {
    throw badInput(`${outputPath} exists: choose another name with -o, or overwrite it with --force.`, 'output');
  }
  const abort = new AbortController();
  const onInterrupt = () => abort.abort();
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt);
  const progress = showProgress(!options.quiet && !options.json);
  try {
    const foley = await openFoley();
    try {
      return await foley.run({
        inputPath: resolve(video),
        outputPath,
        ...(options.sound === undefined ? {} : { sound: options.sound }),
        keepOriginal: options.keepOriginal ?? false,
        seed: options.seed,
        signal: abort.signal,
        onProgress: progress.report,
      });
    } finally {
      await foley.close();
    }
  } finally {
    progress.end();
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
  }
}

/** `clip.mp4` gives `clip.foley.mp4`; the extension is one whose container takes the picture as it is. */
export async function outputName(video: string): Promise<string> {
  const extension = defaultOutputExtension(await probe(video));
  return `${basename(video, extname(video))}.foley${extension}`;
}

export function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new InvalidArgumentError('It must be a whole number from 0.');
  return seed;
}

/** The stable JSON form: names with units, seconds to the millisecond. */
function toJson(outcome: FoleyOutcome): Record<string, unknown> {
  const seconds = (s: number) => Math.round(s * 1000) / 1000;
  return {
    output: outcome.output,
    duration_s: seconds(outcome.durationS),
    classes: outcome.classes.map(({ label, confidence }) => ({ label, confidence: seconds(confidence) })),
    onsets: outcome.onsets.map(({ timeS, strength }) => ({ time_s: seconds(timeS), strength: seconds(strength) })),
    seed: outcome.seed,
    sounds: outcome.sounds,
    loudness_lufs: seconds(outcome.loudnessLufs),
    true_peak_dbtp: seconds(outcome.truePeakDbtp),
    timings: Object.fromEntries(Object.entries(outcome.timings).map(([step, s]) => [step, seconds(s)])),
    warnings: outcome.warnings,
  };
}

/** Fainter guesses are told to programs alone. */
const WORTH_TELLING = 0.05;

/** What a person wants to know, in a few lines. */
export function summary(outcome: FoleyOutcome): string {
  const heard = outcome.classes
    .filter(({ confidence }) => confidence >= WORTH_TELLING)
    .map(({ label, confidence }) => `${label} (${Math.round(confidence * 100)} %)`);
  const used = [...new Set(outcome.sounds.map(({ name, licence }) => `${name} (${licence})`))];
  const total = Object.values(outcome.timings).reduce((sum, s) => sum + s, 0);
  const lines = [
    `Finished video   ${outcome.output}`,
    `Heard in it      ${heard.join(', ') || 'nothing certain'}`,
    `Hits             ${outcome.onsets.length} in ${outcome.durationS.toFixed(1)} s`,
    `Sounds           ${used.join(', ')}`,
    `Loudness         ${outcome.loudnessLufs.toFixed(1)} LUFS, true peak ${outcome.truePeakDbtp.toFixed(1)} dBTP`,
    `Took             ${total.toFixed(1)} s (${(total / outcome.durationS).toFixed(2)} × real time)`,
    ...outcome.warnings.map((warning) => `Note             ${warning}`),
  ];
  return `${lines.join('\n')}\n`;
}
