import { SplitResult, SplitSpec, type ObjectRef } from '@soundstage/contracts';
import { badInput, checkReference, storeBytes, type Stage } from '@soundstage/core';
import type { SplitterConfig } from './config.js';
import { divide, SPLITS } from './divide.js';
import { canonicalOrder } from './sources.js';

/** Shares are sums of decimal fractions, which binary ones only come near to. */
const SHARE_TOLERANCE = 1e-6;

/** Splitting as work from the queue: divide the clips, write one line for each. */
export function createSplitStage(config: SplitterConfig): Stage<SplitSpec, 'split'> {
  return {
    kind: 'split',
    codeVersion: '1',
    steps: [
      { name: 'divide', share: 9 },
      { name: 'store', share: 1 },
    ],
    spec: SplitSpec,
    result: SplitResult,

    check(spec) {
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(spec.name)) {
        throw badInput('A split needs a name of letters, digits, `.`, `_` and `-`, at most 100.', 'spec.name');
      }
      if (spec.clips.length === 0) throw badInput('There is no clip to split: give at least one.', 'spec.clips');
      if (spec.clips.length > config.SOUNDSTAGE_SPLIT_CLIPS) {
        throw badInput(
          `The split has ${spec.clips.length} clips; the limit is ${config.SOUNDSTAGE_SPLIT_CLIPS}. Raise SOUNDSTAGE_SPLIT_CLIPS.`,
          'spec.clips',
        );
      }
      spec.clips.forEach(({ clip }, i) => checkReference(clip, `spec.clips[${i}].clip`));
      const shares = [spec.trainShare, spec.validationShare, spec.testShare];
      const sum = shares.reduce((a, b) => a + b, 0);
      if (shares.some((share) => !(share >= 0)) || !(Math.abs(sum - 1) <= SHARE_TOLERANCE)) {
        throw badInput(
          `The shares ${shares.join(', ')} must be 0 or more and add up to 1, for example 0.8, 0.1 and 0.1.`,
          'spec.train_share',
        );
      }
    },

    inputs: (spec) => spec.clips.map(({ clip }) => clip).filter((clip): clip is ObjectRef => clip !== undefined),

    async run(spec, { store, outputPrefix, progress, signal }) {
      progress('divide', 0, `${spec.clips.length} clips`);
      const clips = spec.clips.map(({ clip, sourceId, label }) => ({
        key: clip?.key ?? '',
        sha256: clip?.sha256 ?? '',
        sourceId,
        label,
      }));
      const shares = { train: spec.trainShare, validation: spec.validationShare, test: spec.testShare };
      const divided = divide(clips, shares, spec.seed);
      const splitOf = new Map(divided.map(({ clip, split }) => [clip, split]));
      progress('divide', 1);

      const lines = canonicalOrder(clips).map((clip) =>
        JSON.stringify({
          key: clip.key,
          sha256: clip.sha256,
          source_id: clip.sourceId || clip.sha256,
          label: clip.label,
          split: splitOf.get(clip),
        }),
      );
      progress('store', 0);
      const body = Buffer.from(`${lines.join('\n')}\n`);
      const manifest = await storeBytes(store, body, `${outputPrefix}/${spec.name}.jsonl`, 'application/jsonl', signal);
      progress('store', 1);
      const [trainCount = 0, validationCount = 0, testCount = 0] = SPLITS.map(
        (name) => divided.filter(({ split }) => split === name).length,
      );
      return { manifest, trainCount, validationCount, testCount };
    },
  };
}
