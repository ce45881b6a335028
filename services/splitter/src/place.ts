import { badInput } from '@soundstage/core';
import { SPLITS, type DatasetClip, type Placement, type Rejected, type SplitName } from './dataset-clip.js';
import { divide } from './divide.js';
import { groupBySource, type Clip, type Source } from './sources.js';

export type Division =
  | { method: 'shares'; train: number; validation: number; test: number }
  /** `validation`: share of the training clips, where the dataset has no validation split of its own. */
  | { method: 'own'; validation: number }
  /** `train` of the clips are divided into folds, `test` are kept out of them. */
  | { method: 'folds'; folds: number; train: number; test: number };

export interface Placed<C extends Clip> {
  placements: Map<C, Placement>;
  /** Clips that can't stand anywhere without tearing their source, each with its reason. */
  rejected: Map<C, Rejected>;
}

type Placeable = Clip & Partial<Pick<DatasetClip, 'ownSplit' | 'id'>>;

/**
 * Puts each clip into a split, and into a fold where folds are asked for. All clips of a source, and all clips of equal
 * bytes, come to the same place.
 *
 * @throws BAD_INPUT where the dataset's own split is asked for and can't be used
 */
export async function placeClips<C extends Placeable>(
  clips: readonly C[],
  division: Division,
  seed: bigint,
): Promise<Placed<C>> {
  const sources = groupBySource(clips);
  switch (division.method) {
    case 'shares': {
      const { train, validation, test } = division;
      const parts = await divide(sources, [train, validation, test], seed);
      return placed(sources, (_, i) => ({ split: SPLITS[parts[i]!]!, fold: 0 }));
    }
    case 'folds': {
      const { folds, train, test } = division;
      const parts = await divide(sources, [...Array<number>(folds).fill(train / folds), test], seed);
      return placed(sources, (_, i) =>
        parts[i] === folds ? { split: 'test', fold: 0 } : { split: 'train', fold: parts[i]! + 1 },
      );
    }
    case 'own':
      return placeAsOwn(sources, division.validation, seed);
  }
}

function placed<C extends Clip>(
  sources: readonly Source<C>[],
  placeOf: (source: Source<C>, index: number) => Placement,
): Placed<C> {
  const placements = new Map<C, Placement>();
  sources.forEach((source, i) => {
    const place = placeOf(source, i);
    for (const clip of source.clips) placements.set(clip, place);
  });
  return { placements, rejected: new Map() };
}

/** The later a split is used, the more it must be kept from. */
const MOST_GUARDED: readonly SplitName[] = ['test', 'validation', 'train'];

/**
 * Where a dataset itself has one source in two splits, its test clips stay, so that figures compare with published
 * ones, and those of the source that would give them away are left out.
 */
async function placeAsOwn<C extends Placeable>(
  sources: readonly Source<C>[],
  validationShare: number,
  seed: bigint,
): Promise<Placed<C>> {
  const rejected = new Map<C, Rejected>();
  const kept = sources.map((source) => {
    const split = MOST_GUARDED.find((name) => source.clips.some(({ ownSplit }) => ownSplit === name))!;
    const clips = source.clips.filter(({ ownSplit }) => ownSplit === split);
    for (const clip of source.clips) {
      if (clip.ownSplit !== split) rejected.set(clip, leak(clip, split));
    }
    return { id: source.id, clips, split };
  });
  if (validationShare > 0) {
    if (kept.some(({ split }) => split === 'validation')) {
      throw badInput(
        'The dataset has a validation split of its own: leave validation_share 0.',
        'spec.validation_share',
      );
    }
    const training = kept.filter(({ split }) => split === 'train');
    const parts = await divide(training, [1 - validationShare, validationShare], seed);
    training.forEach((source, i) => (source.split = parts[i] === 1 ? 'validation' : 'train'));
  }
  const { placements } = placed(kept, (_, i) => ({ split: kept[i]!.split, fold: 0 }));
  return { placements, rejected };
}

const leak = (clip: Placeable, split: SplitName): Rejected => ({
  id: clip.id ?? clip.sha256,
  sourceId: clip.sourceId,
  label: clip.label,
  reason: 'source_in_two_splits',
  message: `The dataset puts the clip into ${clip.ownSplit}, but others of its source into ${split}.`,
});
