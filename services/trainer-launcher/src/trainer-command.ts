import { SoundstageError, type RunSpec } from '@soundstage/core';
import type { TrainerLauncherConfig } from './config.js';

/** What is the same in every start of the trainer. */
export function trainerCommand(
  config: TrainerLauncherConfig,
  args: readonly string[],
): Pick<RunSpec, 'command' | 'args' | 'env'> {
  return {
    command: config.SOUNDSTAGE_PYTHON,
    args: ['-m', 'soundstage_trainer', ...args],
    env: {
      PYTHONPATH: config.SOUNDSTAGE_TRAINER_DIR,
      PYTHONUNBUFFERED: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      SOUNDSTAGE_MODELS: config.SOUNDSTAGE_MODELS_DIR,
    },
  };
}

/** Exit code by which the trainer says that its input is wrong. */
const EXIT_BAD_INPUT = 42;

/** What a line on the trainer's standard output may say. */
export type TrainerEvent =
  | { event: 'progress'; step: number; of: number; message: string }
  | { event: 'metric'; name: string; value: number }
  | { event: 'done'; model: string; card: string }
  | { event: 'failed'; code: string; message: string; retryable: boolean };

/** Reads a line, or undefined where it is none of the trainer's events: libraries print things, too. */
export function readTrainerEvent(line: string): TrainerEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const said = value as Record<string, unknown>;
  const text = (name: string) => typeof said[name] === 'string';
  const number = (name: string) => Number.isFinite(said[name]);
  const whole =
    (said['event'] === 'progress' && number('step') && number('of')) ||
    (said['event'] === 'metric' && text('name') && number('value')) ||
    (said['event'] === 'done' && text('model') && text('card')) ||
    (said['event'] === 'failed' && text('message'));
  return whole ? (value as TrainerEvent) : undefined;
}

/**
 * What a failed run of the trainer means.
 *
 * @param outcome exit code (null: killed or not started) and the runner's reason
 * @param said the trainer's own `failed` event, if it came to that
 * @param log its last lines on standard error
 */
export function explainFailure(
  outcome: { exitCode: number | null; reason: string },
  said: string | undefined,
  log: readonly string[],
): SoundstageError {
  const missing = log.map((line) => /^ModuleNotFoundError: No module named '([\w.]+)'/.exec(line)?.[1]).find(Boolean);
  const notStarted = outcome.exitCode === null && outcome.reason.includes('could not be started');
  // `python -m` of a module that isn't there says so in its own words.
  const noModule = log.some((line) => line.includes('No module named soundstage_trainer'));
  if (missing !== undefined || notStarted || noModule) {
    const what = missing
      ? `its Python package ${missing} is missing`
      : notStarted
        ? 'there is no such Python'
        : 'it is not there';
    return new SoundstageError(
      'UNAVAILABLE',
      `The trainer can't run: ${what}. Run \`./soundstage setup\`, or set SOUNDSTAGE_PYTHON to a Python with the packages of services/trainer/requirements.txt.`,
      { retryable: false },
    );
  }
  const sentence = said ?? log.findLast((line) => line.trim() !== '') ?? outcome.reason;
  if (outcome.exitCode === EXIT_BAD_INPUT) return new SoundstageError('BAD_INPUT', sentence);
  return new SoundstageError('UNAVAILABLE', `The training failed: ${sentence} (${outcome.reason})`, {
    retryable: true,
  });
}
