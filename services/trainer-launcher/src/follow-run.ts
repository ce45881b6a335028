import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import type { Metric } from '@soundstage/contracts';
import { SoundstageError, type JobRunner, type WorkContext } from '@soundstage/core';
import { openRunDiary } from './run-diary.js';
import type { RunRecords } from './run-records.js';
import { explainFailure, readTrainerEvent, wasDisturbed, type TrainerEvent } from './trainer-command.js';

/** How a start of the trainer ended, where it didn't fail. */
export type RunEnd =
  | { state: 'trained'; modelPath: string; cardPath: string; reportPath?: string; metrics: Metric[] }
  /** Killed or told to stop from outside; `reached` is the furthest step that it told of. */
  | { state: 'disturbed'; reached: number };

/** As many lines of the trainer's log are kept to explain a failure. */
const LOG_LINES = 50;

/**
 * Follows a run to its end, from its first line, whoever started it, and keeps its facts and curves.
 *
 * @param out the folder that the trainer writes to
 * @throws SoundstageError in the trainer's words where it failed: BAD_INPUT never to be tried again
 */
export async function followRun(
  { runner, records }: { runner: JobRunner; records: RunRecords },
  { runName, out }: { runName: string; out: string },
  { jobId, signal, progress, log }: WorkContext,
): Promise<RunEnd> {
  const diary = await openRunDiary(records, jobId, log);
  const metrics = new Map<string, number>();
  const lastLines: string[] = [];
  // Where the engine gives one stream, what goes wrong stands among what libraries print.
  const lastPrinted: string[] = [];
  let done: (TrainerEvent & { event: 'done' }) | undefined;
  let said: string | undefined;
  let reached = 0;

  function hear(told: TrainerEvent): void {
    if (told.event === 'facts') diary.facts(told);
    else if (told.event === 'curve') diary.curve(told);
    else if (told.event === 'metric') metrics.set(told.name, told.value);
    else if (told.event === 'done') done = told;
    else if (told.event === 'failed') said = told.message;
    else progress('train', shareOf(told), told.message);
    if (told.event === 'progress' || told.event === 'curve') reached = Math.max(reached, told.step);
  }

  try {
    for await (const event of runner.follow(runName, signal)) {
      if (event.type === 'line') {
        const told = event.stream === 'stdout' ? readTrainerEvent(event.text) : undefined;
        if (told) {
          hear(told);
          continue;
        }
        const lines = event.stream === 'stdout' ? lastPrinted : lastLines;
        lines.push(event.text);
        if (lines.length > LOG_LINES) lines.shift();
        log.debug({ run: runName }, event.text);
        continue;
      }
      const { outcome } = event;
      if (outcome.state === 'disrupted') return { state: 'disturbed', reached };
      if (outcome.state === 'cancelled') throw new SoundstageError('CANCELLED', 'The training run was cancelled.');
      if (outcome.state === 'failed') {
        if (wasDisturbed(outcome)) return { state: 'disturbed', reached };
        throw explainFailure(outcome, said, lastLines.length > 0 ? lastLines : lastPrinted);
      }
      if (!done) throw new SoundstageError('INTERNAL', 'The trainer ended without naming its model.');
      return {
        state: 'trained',
        modelPath: await inside(out, done.model),
        cardPath: await inside(out, done.card),
        ...(typeof done.report === 'string' ? { reportPath: await inside(out, done.report) } : {}),
        metrics: [...metrics].map(([name, value]) => ({ name, value })),
      };
    }
    throw new SoundstageError('UNAVAILABLE', 'The training run could not be followed to its end.');
  } finally {
    await diary.close();
  }
}

/** How far the training is: it has only ended when its run has, however soon the trainer counts its last step. */
function shareOf({ step, of }: { step: number; of: number }): number {
  return of > 0 ? Math.min(0.99, step / of) : 0;
}

/** A path that the trainer named, which must lie in its output folder. */
async function inside(out: string, path: string): Promise<string> {
  const real = await realpath(resolve(out, path)).catch(() => '');
  if (real.startsWith((await realpath(out)) + sep)) return real;
  throw new SoundstageError('INTERNAL', `The trainer named ${path}, which is not in its output folder.`);
}
