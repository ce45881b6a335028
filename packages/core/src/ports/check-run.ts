import { badInput } from '../errors.js';
import type { RunSpec } from './job-runner.js';

const NAME = /^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/;

/** Whether a run could have that name. */
export const isRunName = (name: string): boolean => NAME.test(name);

/** @throws BAD_INPUT for a name that no run can have */
export function checkRunName(name: string): void {
  if (!isRunName(name)) {
    throw badInput(
      `"${name}" can't be the name of a run: use at most 52 of a-z, 0-9 and -, with no - at either end.`,
      'name',
    );
  }
}

/** @throws BAD_INPUT for what no runner can start */
export function checkRun(spec: RunSpec): void {
  checkRunName(spec.name);
  if (spec.command === '') throw badInput(`Run ${spec.name} has no command.`, 'command');
  if (spec.timeoutS !== undefined && !(spec.timeoutS > 0)) {
    throw badInput(`timeoutS is ${spec.timeoutS}: give more than 0 seconds.`, 'timeoutS');
  }
}
