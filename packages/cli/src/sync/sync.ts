import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { isBucketAddress } from '@soundstage/adapters';
import { badInput } from '@soundstage/core';
import type { SyncMade } from '@soundstage/inference';
import { shown } from '../batch/batch-progress.js';
import { serverOf } from '../connect/addresses.js';
import { untilInterrupted } from '../interrupt.js';
import { showProgress } from '../progress.js';
import { syncBatch } from './batch/sync-batch.js';
import { syncJson } from './json.js';
import { openSyncMaker } from './maker.js';
import { addSyncOptions, type SyncOptions } from './options.js';
import { planSync, repairedExtension, runPlan, type SyncPlan } from './run.js';
import { summary } from './summary.js';

export function addSyncCommand(program: Command): void {
  const command = program
    .command('sync')
    .description('Measure by how much picture and sound of a talking face lie apart, repair it, and measure again.');
  addSyncOptions(command)
    .addHelpText(
      'after',
      `
Without -o it measures and writes nothing. With -o it repairs: a constant offset by time stamps alone, drift and parts
with offsets of their own by fitting the sound anew; the picture is copied bit for bit. The repaired film is measured, too,
and kept only if it is better. A film that is in sync, or of which nothing can be told, is left alone: no file is written,
and that is no error. A positive offset means: the sound comes late.

A folder, or a prefix of a bucket: all films below it. With -o DIR the repaired ones go there, beside sync.csv (a row for
each film), a report of each film, and report.html with links to them; run again, it does only what is missing. Without -o
it measures them and prints a table.

Exit codes: 0 done, also where nothing can be told; 2 something was refused (wrong input); 3 something couldn't be done now.

Examples:
  soundstage sync film.mp4                             by how much, and how sure that is
  soundstage sync film.mp4 -o repaired.mp4             repairs it, and proves it
  soundstage sync film.mp4 -o repaired.mp4 --report film.html
  soundstage sync stream.mkv --range 5 --json

  soundstage sync films/                               measures a folder
  soundstage sync films/ --csv offsets.csv             the same as figures
  soundstage sync films/ -o repaired/                  repairs what can be repaired, with a report
  soundstage sync gs://films/in -o gs://films/out --server inference:7400`,
    )
    .action(async (input: string, options: SyncOptions) => {
      if (isBucketAddress(input) || (await stat(input).catch(() => undefined))?.isDirectory()) {
        process.exitCode = await syncBatch(input, options);
        return;
      }
      const { made, output } = await syncOneFile(input, options);
      const name = shown(basename(input));
      process.stdout.write(options.json ? `${JSON.stringify(syncJson(made))}\n` : summary(made, { name, output }));
    });
}

/** Runs the sync job on one film, with progress on stderr; Ctrl-C stops it and leaves nothing behind. */
async function syncOneFile(
  input: string,
  options: SyncOptions,
): Promise<{ made: SyncMade; output: string | undefined }> {
  return untilInterrupted(async (signal) => {
    const plan = await planSync(input, options, signal);
    if (serverOf(options) !== undefined) refuseOtherKind(plan);
    const progress = showProgress(!options.quiet && !options.json);
    try {
      const sync = await openSyncMaker(options);
      try {
        const made = await runPlan(sync, plan, { range: options.range, signal, onProgress: progress.report });
        return { made, output: plan.output };
      } finally {
        await sync.close();
      }
    } finally {
      progress.end();
    }
  });
}

/** A service makes the kind of film that the input is. @throws BAD_INPUT */
function refuseOtherKind({ info, output }: SyncPlan): void {
  const made = repairedExtension(info);
  if (output !== undefined && extname(output).toLowerCase() !== made)
    throw badInput(
      `The service makes a ${made} of it, so that ${output} can't be written: choose another with -o.`,
      'output',
    );
}
