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

/** Exit codes of the trainer: its input is wrong; it was stopped and has kept a checkpoint to go on from. */
const EXIT_BAD_INPUT = 42;
const EXIT_STOPPED = 75;

/** What a line on the trainer's standard output may say. */
export type TrainerEvent =
  | {
      event: 'facts';
      parameters: object;
      code_version: string;
      machine: string;
      dataset_version: string;
      resumed: number;
    }
  | { event: 'progress'; step: number; of: number; message: string }
  | { event: 'curve'; name: string; step: number; value: number }
  | { event: 'metric'; name: string; value: number }
  | { event: 'done'; model: string; card: string; report?: string | null }
  | { event: 'failed'; code: string; message: string; retryable: boolean };

const FIELDS: { [Name in TrainerEvent['event']]: Readonly<Record<string, 'text' | 'number' | 'object'>> } = {
  facts: { parameters: 'object', code_version: 'text', machine: 'text', dataset_version: 'text', resumed: 'number' },
  progress: { step: 'number', of: 'number' },
  curve: { name: 'text', step: 'number', value: 'number' },
  metric: { name: 'text', value: 'number' },
  done: { model: 'text', card: 'text' },
  failed: { message: 'text' },
};

/** Reads a line, or undefined where it is none of the trainer's events: libraries print things, too. */
export function readTrainerEvent(line: string): TrainerEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  let said: Record<string, unknown>;
  try {
    said = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const fields = Object.hasOwn(FIELDS, String(said['event'])) && FIELDS[said['event'] as TrainerEvent['event']];
  if (!fields) return undefined;
  const whole = Object.entries(fields).every(([name, type]) => {
    const value = said[name];
    if (type === 'text') return typeof value === 'string';
    return type === 'number' ? Number.isFinite(value) : typeof value === 'object' && value !== null;
  });
  return whole ? (said as TrainerEvent) : undefined;
}

/**
 * Whether a failed run was disturbed from outside: killed (for want of memory, by a machine that goes away), or told to
 * stop, after which it goes on from its newest checkpoint.
 */
export function wasDisturbed({ exitCode, signal }: { exitCode: number | null; signal: string | null }): boolean {
  return exitCode === EXIT_STOPPED || (exitCode === null && signal !== null && signal !== 'SIGTERM');
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
