import { sha256 } from '@soundstage/core';
import { BATCH_FOLDER, type BatchInput } from './find-inputs.js';
import type { BatchTarget } from './places.js';

/** What a batch knows about the results for one input. `started` is written before the work, `done` after it. */
export interface BatchRecord<Clip> {
  version: 1;
  state: 'started' | 'done';
  input: string;
  inputBytes: number;
  inputModifiedMs: number;
  /** See BatchWorker.settings. */
  settings: string;
  /** All that is written for it, relative to the folder of the results; while it is `started`, all that may be. */
  files: string[];
  clip?: Clip;
}

/** The records of one job in the place of its results. */
export interface BatchRecords<Clip> {
  read(input: string): Promise<BatchRecord<Clip> | undefined>;
  write(record: BatchRecord<Clip>): Promise<void>;
  remove(input: string): Promise<void>;
}

/** @param name the folder that they lie in, below that of the batch */
export function recordsOf<Clip>(
  target: Pick<BatchTarget, 'read' | 'write' | 'remove'>,
  name: string,
): BatchRecords<Clip> {
  const fileOf = (input: string) => `${BATCH_FOLDER}/${name}/${sha256(input).slice(0, 32)}.json`;
  return {
    async read(input) {
      const text = await target.read(fileOf(input));
      if (text === undefined) return undefined;
      try {
        const record = JSON.parse(text) as BatchRecord<Clip>;
        return record.version === 1 && record.input === input ? record : undefined;
      } catch {
        return undefined; // one of another release: the result counts as unknown
      }
    },
    write: (record) => target.write(fileOf(record.input), JSON.stringify(record)),
    remove: (input) => target.remove(fileOf(input)),
  };
}

/** Whether the input is still what the record was made from. */
export function isSameInput(record: BatchRecord<unknown>, input: BatchInput): boolean {
  return record.inputBytes === input.bytes && Math.abs(record.inputModifiedMs - input.modifiedMs) < 1;
}
