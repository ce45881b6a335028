import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Command } from 'commander';
import { isBucketAddress } from '@soundstage/adapters';
import { badInput } from '@soundstage/core';
import { serverOf } from './connect/addresses.js';
import { foleyBatch } from './foley/batch/foley-batch.js';
import { foleyJson } from './foley/json.js';
import { openFoleyMaker } from './foley/maker.js';
import { addFoleyOptions, type FoleyOptions } from './foley/options.js';
import { videoExtension } from './foley/outputs.js';
import { planFoley, runPlan, type FoleyPlan, type FoleyResult } from './foley/run.js';
import { summary } from './foley/summary.js';
import { untilInterrupted } from './interrupt.js';
import { showProgress } from './progress.js';

export function addFoleyCommand(program: Command): void {
  const command = program
    .command('foley')
    .description('Make a soundtrack for a silent video or a still image: sound that fits and is in time.');
  addFoleyOptions(command)
    .addHelpText(
      'after',
      `
A folder, or a prefix of a bucket: all videos and images below it, the models opened once. Beside the results lie
foley.csv and report.html, one page to look and listen through all of them. Run again, it does only what is missing. Of a
bucket only the files at work lie on this machine.

--engine regnet takes videos alone and needs models that the pipeline makes (soundstage pipeline run
pipelines/foley.yaml). It draws the sound from what it sees; takes differ by how much each thing seen counts. It knows no
classes and makes no cue sheet, so that --sound, --mute, --only, --cues, --save-cues and --duration don't go with it.

Exit codes: 0 done, 2 something was refused (wrong input), 3 something couldn't be done now.

Examples:
  soundstage foley silent.mp4                          writes silent.foley.mp4
  soundstage foley silent.mp4 -o with-sound.mov --sound "footsteps on gravel"
  soundstage foley silent.mp4 --candidates 3           three takes to choose from
  soundstage foley interview.mp4 --keep-original --seed 7 --json
  soundstage foley beach.jpg --duration 30 --mute music

  soundstage foley silent.mp4 --engine regnet          sound that a net draws: see the notes on it below

  soundstage foley silent.mp4 --only cues              writes silent.cues.json and silent.cues.vtt
  soundstage foley silent.mp4 --cues silent.cues.json  renders it as you edited it

  soundstage foley clips/ -o finished/                 a folder, with a report
  soundstage foley gs://films/in -o gs://films/out --server inference:7400`,
    )
    .action(async (input: string, options: FoleyOptions) => {
      if (isBucketAddress(input) || (await stat(input).catch(() => undefined))?.isDirectory()) {
        process.exitCode = await foleyBatch(input, options);
        return;
      }
      const result = await foleyOneFile(input, options);
      process.stdout.write(options.json ? `${JSON.stringify(foleyJson(result))}\n` : summary(result));
    });
}

/** Runs the foley job on one file, with progress on stderr; Ctrl-C stops it and leaves nothing behind. */
export async function foleyOneFile(input: string, options: FoleyOptions): Promise<FoleyResult> {
  return untilInterrupted(async (signal) => {
    const plan = await planFoley(input, options, signal);
    if (serverOf(options) !== undefined) refuseOtherKind(plan);
    const progress = showProgress(!options.quiet && !options.json);
    try {
      const foley = await openFoleyMaker(options);
      try {
        return await runPlan(foley, plan, { ...options, signal, onProgress: progress.report });
      } finally {
        await foley.close();
      }
    } finally {
      progress.end();
    }
  });
}

/** A service makes the kind of video that the input is. @throws BAD_INPUT */
function refuseOtherKind({ info, takes }: FoleyPlan): void {
  const made = videoExtension(info);
  for (const { video } of takes)
    if (video !== undefined && extname(video).toLowerCase() !== made)
      throw badInput(
        `The service makes a ${made} of it, so that ${video} can't be written: choose another with -o.`,
        'output',
      );
}
