import { canonicalJson, sha256 } from '@soundstage/core';
import { DEFAULT_SEED, type FoleyOptions } from '../foley/options.js';
import type { ClipView } from '../report/clip-view.js';
import { BATCH_FOLDER, type BatchInput } from './find-inputs.js';
import type { BatchTarget } from './places.js';

/** What a batch knows about the results for one input. `started` is written before the work, `done` after it. */
export interface BatchRecord {
  version: 1;
  state: 'started' | 'done';
  input: string;
  inputBytes: number;
  inputModifiedMs: number;
  /** See settingsKey(). */
  settings: string;
  /** All that is written for it, relative to the folder of the results. */
  files: string[];
  clip?: ClipView;
}

/** Changes whenever the same input could give another result. */
export function settingsKey(options: FoleyOptions, foleyVersion: string): string {
  const {
    engine = 'palette',
    sound = '',
    mute = [],
    quality = 'standard',
    candidates = 1,
    only = '',
    saveCues = false,
  } = options;
  const { duration = 10, keepOriginal = false, seed = DEFAULT_SEED } = options;
  const what = { sound, mute: mute.toSorted(), quality, candidates, only, saveCues };
  const settings = { ...what, duration, keepOriginal, seed, foleyVersion, ...(engine === 'palette' ? {} : { engine }) };
  return sha256(canonicalJson(settings));
}

export async function readRecord(target: Pick<BatchTarget, 'read'>, input: string): Promise<BatchRecord | undefined> {
  const text = await target.read(recordFile(input));
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as BatchRecord;
    return record.version === 1 && record.input === input ? record : undefined;
  } catch {
    return undefined; // one of another release: the result counts as unknown
  }
}

export async function writeRecord(target: Pick<BatchTarget, 'write'>, record: BatchRecord): Promise<void> {
  await target.write(recordFile(record.input), JSON.stringify(record));
}

export async function removeRecord(target: Pick<BatchTarget, 'remove'>, input: string): Promise<void> {
  await target.remove(recordFile(input));
}

/** Whether the input is still what the record was made from. */
export function isSameInput(record: BatchRecord, input: BatchInput): boolean {
  return record.inputBytes === input.bytes && Math.abs(record.inputModifiedMs - input.modifiedMs) < 1;
}

const recordFile = (input: string) => `${BATCH_FOLDER}/records/${sha256(input).slice(0, 32)}.json`;
