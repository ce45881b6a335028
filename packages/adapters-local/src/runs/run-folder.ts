import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOutcome, RunSpec } from '@soundstage/core';
import type { ProcessIdentity } from '../process-identity.js';

/** What the runner writes down of a run before it starts. */
export interface RunPlan extends RunSpec {
  /** Marks every process of the run, in its environment, and no other run that ever had the name. */
  mark: string;
  cwd: string;
  env: Record<string, string>;
  graceMs: number;
  maxOutputBytes: number;
}

/**
 * A run is a folder; each thing that is known about it is one small file that is written once:
 *
 * - `plan.json` before all else
 * - `supervisor.json` who watches over it; who writes it first does, or has found that nobody will
 * - `program.json` the program itself, which leads the process group
 * - `cancel` somebody wants it to stop
 * - `end.json` the outcome, written last
 * - `stdout.log`, `stderr.log` what it printed; `work/` its working folder where the plan names no other
 */
export interface RunFolder {
  readonly path: string;
  plan(): RunPlan | undefined;
  supervisor(): ProcessIdentity | undefined;
  program(): ProcessIdentity | undefined;
  end(): RunOutcome | undefined;
  cancelWanted(): boolean;
  /** False when somebody else was first. */
  claim(supervisor: ProcessIdentity): boolean;
  recordProgram(program: ProcessIdentity): void;
  recordEnd(outcome: RunOutcome): void;
  wantCancel(): void;
  output(stream: 'stdout' | 'stderr'): string;
}

export function openRunFolder(path: string): RunFolder {
  const read = <T>(name: string) => readRecord<T>(join(path, name));
  return {
    path,
    plan: () => read<RunPlan>('plan.json'),
    supervisor: () => read<ProcessIdentity>('supervisor.json'),
    program: () => read<ProcessIdentity>('program.json'),
    end: () => read<RunOutcome>('end.json'),
    cancelWanted: () => existsSync(join(path, 'cancel')),
    claim: (supervisor) => writeRecord(join(path, 'supervisor.json'), supervisor),
    recordProgram: (program) => void writeRecord(join(path, 'program.json'), program),
    recordEnd: (outcome) => void writeRecord(join(path, 'end.json'), outcome),
    wantCancel: () => void writeRecord(join(path, 'cancel'), true),
    output: (stream) => join(path, `${stream}.log`),
  };
}

/**
 * Writes a file once and for all: whole, on the disk, and only if it isn't there.
 *
 * @returns whether it was written
 */
export function writeRecord(file: string, value: unknown): boolean {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(fd, JSON.stringify(value));
    fsyncSync(fd);
    linkSync(temporary, file);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  } finally {
    closeSync(fd);
    unlinkSync(temporary);
  }
}

function readRecord<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
