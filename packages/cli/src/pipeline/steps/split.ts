import {
  RejectedClip,
  SplitClip,
  SplitResult,
  SplitSpec,
  SplitterServiceService as Splitter,
} from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { newestVersion, split, splitSpec, type Division } from '../../dataset/create.js';
import { shortId } from '../../dataset/names.js';
import type { SplitStep } from '../recipe.js';
import type { Step } from '../step.js';
import type { Prepared } from './preprocess.js';

export interface Divided {
  dataset: string;
  version: string;
  /** In protobuf's JSON form. */
  result: unknown;
}

/** Makes a dataset version of the clips. */
export function splitStep(step: SplitStep, prepared: Prepared): Step<Divided> {
  return {
    name: 'split',
    title: `divide ${prepared.clips.length} clips as dataset ${step.dataset}`,
    inputs: { step, prepared },
    async work(tools) {
      const { signal, progress } = tools;
      const connection = await tools.connection();
      progress({ done: 0, total: 1, refused: 0 });
      // A run that was killed behind the split must not take its own version for the parent.
      const parent = await tools.noteOnce('parent', () => newestVersion(connection, step.dataset, signal));
      const clips = prepared.clips.map((clip) => SplitClip.fromJSON(clip));
      const spec = await splitSpec(
        connection,
        {
          name: step.dataset,
          profile: prepared.profile,
          clips,
          rejected: prepared.rejected.map((clip) => RejectedClip.fromJSON(clip)),
          division: divisionOf(step),
          parent,
          dvc: step.dvc,
          pageSamples: step.page_samples,
        },
        signal,
      );
      let before = false;
      const onChange = ({ steps, fraction }: { steps: { message: string }[]; fraction: number }) => {
        const message = steps.findLast((each) => each.message)?.message ?? '';
        progress({ done: fraction, total: 1, refused: 0, message });
      };
      const answer = await split(connection, SplitSpec.fromPartial(spec), {
        ...tools,
        onChange,
        onAnswer: (answered) => (before = answered.before),
      });
      const { version } = answer;
      if (!version) throw new SoundstageError('INTERNAL', 'The splitter told no version.');
      if (step.tag !== undefined) {
        const request = { name: step.dataset, tag: step.tag, version: version.id, expectedVersion: undefined };
        await connection.call(Splitter.tagDataset, request, signal);
      }
      progress({ done: 1, total: 1, refused: 0, message: `${step.dataset}@${shortId(version.id)}` });
      const value = { dataset: step.dataset, version: version.id, result: SplitResult.toJSON(answer) };
      const leaks = clips.length - (answer.trainCount + answer.validationCount + answer.testCount);
      return { value, done: clips.length - Math.max(0, leaks), cached: before ? clips.length : 0, refused: [] };
    },
  };
}

const USUAL = { train: 0.8, validation: 0.1, test: 0.1 };

function divisionOf({ method, train, validation, test, folds, seed }: SplitStep): Division {
  if (method === 'own') return { method, train: 0, validation: validation ?? 0, test: 0, folds: 0, seed };
  const given = [train, validation, test].some((share) => share !== undefined);
  const usual = method === 'folds' ? { train: 1, validation: 0, test: 0 } : USUAL;
  const shares = given ? { train: train ?? 0, validation: validation ?? 0, test: test ?? 0 } : usual;
  return { method, ...shares, folds: folds ?? 0, seed };
}
