import { SplitMethod, type RejectedClip, type SplitClip, type SplitSpec } from '@soundstage/contracts';
import { badInput, checkReference } from '@soundstage/core';
import type { SplitName } from './dataset-clip.js';
import type { Division } from './place.js';

/** Shares are sums of decimal fractions, which binary ones only come near to. */
const SHARE_TOLERANCE = 1e-6;
const FOLDS = { min: 2, max: 20 };
const LONGEST_S = 24 * 3600;
const MOST_FRAMES = 10_000_000;
export const MOST_PAGE_SAMPLES = 2000;
/** Longest texts, in UTF-16 units. */
export const TEXT_LIMITS = { sourceId: 500, label: 200, id: 500, reason: 100, message: 1000 };

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** @throws BAD_INPUT unless it can be the name of a dataset, a profile or a tag */
export function checkName(name: string, what: string, field: string): void {
  if (NAME.test(name)) return;
  throw badInput(`${what} needs a name of letters, digits, \`.\`, \`_\` and \`-\`, at most 100.`, field);
}

/** Checks all that can be told without reading anything. @throws BAD_INPUT that names the field */
export function checkSplitSpec(spec: SplitSpec, clipLimit: number): void {
  checkName(spec.name, 'A split', 'spec.name');
  if (spec.profile) checkName(spec.profile, 'A profile', 'spec.profile');
  if (spec.parentVersion && !/^[0-9a-f]{64}$/.test(spec.parentVersion)) {
    throw badInput('The parent is not the id of a version: 64 hexadecimal digits.', 'spec.parent_version');
  }
  divisionOf(spec);
  if (spec.pageSamples !== undefined && spec.pageSamples > MOST_PAGE_SAMPLES) {
    throw badInput(
      `The page would show ${spec.pageSamples} clips; the limit is ${MOST_PAGE_SAMPLES}.`,
      'spec.page_samples',
    );
  }
  checkList(spec.clips, spec.clipList !== undefined, 'clips', clipLimit);
  if (spec.clips.length === 0 && !spec.clipList) {
    throw badInput('There is no clip to split: give at least one.', 'spec.clips');
  }
  if (spec.clipList) checkReference(spec.clipList, 'spec.clip_list');
  spec.clips.forEach((clip, i) => checkClip(clip, spec.method, `spec.clips[${i}]`));
  checkList(spec.rejected, spec.rejectedList !== undefined, 'rejected', clipLimit);
  if (spec.rejectedList) checkReference(spec.rejectedList, 'spec.rejected_list');
  spec.rejected.forEach((clip, i) => checkRejected(clip, `spec.rejected[${i}]`));
}

function checkList(list: readonly unknown[], alsoAsFile: boolean, name: 'clips' | 'rejected', limit: number): void {
  const file = name === 'clips' ? 'clip_list' : 'rejected_list';
  if (alsoAsFile && list.length > 0) throw badInput(`Give either ${name} or ${file}, not both.`, `spec.${file}`);
  checkCount(list.length, limit, `spec.${name}`);
}

/** @throws BAD_INPUT for more clips than the service takes */
export function checkCount(count: number, limit: number, field: string): void {
  if (count <= limit) return;
  throw badInput(`The split has ${count} clips; the limit is ${limit}. Raise SOUNDSTAGE_SPLIT_CLIPS.`, field);
}

/** How the clips are to be divided. @throws BAD_INPUT for shares that make no sense */
export function divisionOf(spec: SplitSpec): Division {
  const { trainShare: train, validationShare: validation, testShare: test, folds } = spec;
  const shares = [train, validation, test];
  const sum = train + validation + test;
  const inRange = shares.every((share) => share >= 0 && share <= 1 + SHARE_TOLERANCE);
  if (spec.method === SplitMethod.OWN) {
    if (!inRange || train !== 0 || test !== 0 || validation >= 1) {
      throw badInput(
        `The shares ${shares.join(', ')} must all be 0 with the dataset's own split; validation_share alone may be from 0 to below 1.`,
        'spec.train_share',
      );
    }
    return { method: 'own', validation };
  }
  if (!inRange || !(Math.abs(sum - 1) <= SHARE_TOLERANCE)) {
    throw badInput(
      `The shares ${shares.join(', ')} must be 0 or more and add up to 1, for example 0.8, 0.1 and 0.1.`,
      'spec.train_share',
    );
  }
  if (spec.method === SplitMethod.FOLDS) {
    if (!(folds >= FOLDS.min && folds <= FOLDS.max)) {
      throw badInput(`There would be ${folds} folds; give ${FOLDS.min} to ${FOLDS.max}.`, 'spec.folds');
    }
    if (validation !== 0 || train === 0) {
      throw badInput(
        'Each fold is validation in its turn: give validation_share 0, and train_share what the folds hold.',
        'spec.validation_share',
      );
    }
    return { method: 'folds', folds, train, test };
  }
  if (spec.method !== SplitMethod.SHARES && spec.method !== SplitMethod.UNSPECIFIED) {
    throw badInput('The method must be one of SHARES, OWN and FOLDS.', 'spec.method');
  }
  if (folds !== 0) throw badInput('Folds go with SPLIT_METHOD_FOLDS alone.', 'spec.folds');
  return { method: 'shares', train, validation, test };
}

/** @param field where the clip stands, for the error */
export function checkClip(clip: SplitClip, method: SplitMethod, field: string): void {
  checkReference(clip.clip, `${field}.clip`);
  checkText(clip.sourceId, TEXT_LIMITS.sourceId, `${field}.source_id`);
  checkText(clip.label, TEXT_LIMITS.label, `${field}.label`);
  for (const output of ['video', 'audio', 'frames'] as const) {
    if (clip[output]) checkReference(clip[output], `${field}.${output}`);
  }
  if (!(clip.durationS >= 0 && clip.durationS <= LONGEST_S)) {
    throw badInput(`${field}.duration_s is ${clip.durationS}; it must be 0 to ${LONGEST_S}.`, `${field}.duration_s`);
  }
  if (clip.frameCount > MOST_FRAMES || (clip.frames !== undefined) !== clip.frameCount > 0) {
    throw badInput(
      `${field}.frame_count is ${clip.frameCount}; give the number of frames with the frames, at most ${MOST_FRAMES}.`,
      `${field}.frame_count`,
    );
  }
  if (ownSplitOf(clip.ownSplit) === undefined) {
    throw badInput(
      `${field}.own_split is ${JSON.stringify(clip.ownSplit.slice(0, 50))}; it must be train, validation or test.`,
      `${field}.own_split`,
    );
  }
  if (method === SplitMethod.OWN && clip.ownSplit === '') {
    throw badInput(
      `${field}.own_split is missing: each clip needs it where the dataset's own split is asked for.`,
      `${field}.own_split`,
    );
  }
}

export function checkRejected(clip: RejectedClip, field: string): void {
  checkText(clip.id, TEXT_LIMITS.id, `${field}.id`);
  checkText(clip.sourceId, TEXT_LIMITS.sourceId, `${field}.source_id`);
  checkText(clip.label, TEXT_LIMITS.label, `${field}.label`);
  checkText(clip.reason, TEXT_LIMITS.reason, `${field}.reason`);
  checkText(clip.message, TEXT_LIMITS.message, `${field}.message`);
  if (!clip.reason) throw badInput(`${field}.reason is missing: nothing is rejected without one.`, `${field}.reason`);
}

function checkText(text: string, limit: number, field: string): void {
  if (text.length > limit) throw badInput(`${field} has ${text.length} characters; the limit is ${limit}.`, field);
}

const OWN_SPLITS: Readonly<Record<string, SplitName | ''>> = {
  '': '',
  train: 'train',
  training: 'train',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
  test: 'test',
  testing: 'test',
};

/** The split that a dataset means by a word; undefined: none that is known. */
export function ownSplitOf(word: string): SplitName | '' | undefined {
  return Object.hasOwn(OWN_SPLITS, word.toLowerCase()) ? OWN_SPLITS[word.toLowerCase()] : undefined;
}
