import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainingResult, TrainingSpec } from '@soundstage/contracts';
import {
  badInput,
  checkReference,
  SoundstageError,
  throwIfAborted,
  type JobRunner,
  type Stage,
  type WorkContext,
} from '@soundstage/core';
import type { TrainerLauncherConfig } from './config.js';
import { findDatasetFolder } from './dataset/dataset-folder.js';
import { layOutDataset } from './dataset/lay-out.js';
import { followRun } from './follow-run.js';
import { checkParameters, checkSeed } from './parameters.js';
import type { RecipeList } from './recipes.js';
import { runNameOf, type RunFolders } from './run-folders.js';
import type { RunRecords } from './run-records.js';
import { storeModel } from './store-model.js';
import { trainerCommand } from './trainer-command.js';

export interface TrainingParts {
  runner: JobRunner;
  folders: RunFolders;
  recipes: RecipeList;
  records: RunRecords;
  /** Of the trainer's code and the models that ship: what else decides what a spec gives. */
  trainerVersion: string;
}

/** So often a run that was disturbed is started again within one attempt without getting further than before. */
const MAX_DISTURBANCES = 5;

/** Training as work from the queue: lay out the dataset, run the recipe, store and register the model with its card. */
export function createTrainingStage(
  config: TrainerLauncherConfig,
  { runner, folders, recipes, records, trainerVersion }: TrainingParts,
): Stage<TrainingSpec, 'training'> {
  const timeoutS = config.SOUNDSTAGE_TRAINING_TIMEOUT_S;
  return {
    kind: 'training',
    codeVersion: `2-${trainerVersion}`,
    steps: [
      { name: 'fetch', share: 5 },
      { name: 'train', share: 90 },
      { name: 'store', share: 5 },
    ],
    spec: TrainingSpec,
    result: TrainingResult,
    workTimeoutS: timeoutS,

    async check(spec) {
      const recipe = await recipes.find(spec.recipe);
      const lacking = recipe.needs.filter((need) => need !== 'data');
      if (lacking.length > 0) {
        throw badInput(
          `The recipe ${recipe.name} needs ${lacking.join(' and ')}, which can only be given to the trainer itself.`,
          'spec.recipe',
        );
      }
      if (spec.dataset?.$case === 'manifest') checkReference(spec.dataset.value, 'spec.manifest');
      else if (spec.dataset?.$case === 'folder') {
        if (config.SOUNDSTAGE_DATASETS_DIR === undefined) {
          throw badInput(
            'This launcher takes no folders by name: give the manifest of a split, or set SOUNDSTAGE_DATASETS_DIR.',
            'spec.folder',
          );
        }
        await findDatasetFolder(config.SOUNDSTAGE_DATASETS_DIR, spec.dataset.value);
      } else if (recipe.needs.includes('data')) {
        throw badInput(`The recipe ${recipe.name} needs a dataset: give a manifest or a folder.`, 'spec.dataset');
      }
      if (spec.features) {
        checkReference(spec.features, 'spec.features');
        if (spec.dataset?.$case !== 'manifest') {
          throw badInput('Features belong to the clips of a manifest: give one, too.', 'spec.features');
        }
      } else if (recipe.features.length > 0) {
        throw badInput(
          `The recipe ${recipe.name} needs ${recipe.features.join(', ')} of every clip: extract them and give their list.`,
          'spec.features',
        );
      }
      checkSeed(recipe, spec.seed);
      checkParameters(recipe, spec.parameters);
    },

    inputs: ({ dataset, features }) => [
      ...(dataset?.$case === 'manifest' ? [dataset.value] : []),
      ...(features ? [features] : []),
    ],

    // The content of a folder is no part of the spec.
    belongsToJob: (spec) => spec.dataset?.$case === 'folder',

    async run(spec, context) {
      const { jobId, outputPrefix, progress } = context;
      const runName = runNameOf(outputPrefix, jobId);
      let [disturbances, furthest] = [0, -1];
      for (;;) {
        // Removed when the job has ended, not before: a second attempt goes on from what lies there.
        const folder = await folders.open(runName, jobId);
        progress('fetch', 0);
        const data = await layOut(spec, folder, context);
        progress('fetch', 1);
        const out = join(folder, 'out');
        const checkpoints = join(folder, 'checkpoints');
        await Promise.all([out, checkpoints].map((path) => mkdir(path, { recursive: true })));
        progress('train', 0);
        const args = await trainerArguments(spec, data, { out, checkpoints });
        const needsGpu = await asksForGpu(spec);
        await runner.start({ name: runName, ...trainerCommand(config, args), cwd: folder, timeoutS, needsGpu });
        const end = await stopUnlessLeft(runName, context, () =>
          followRun({ runner, records }, { runName, out }, context),
        );
        if (end.state === 'disturbed') {
          await folders.stop(runName);
          disturbances = end.reached > furthest ? 1 : disturbances + 1;
          furthest = Math.max(furthest, end.reached);
          if (disturbances <= MAX_DISTURBANCES) continue;
          throw new SoundstageError('UNAVAILABLE', `The training was disturbed ${disturbances} times in a row.`);
        }
        progress('train', 1);
        progress('store', 0);
        const result = await storeModel(end, context, config.SOUNDSTAGE_MODELS_DIR);
        progress('store', 1, `${result.modelName}/${result.modelVersion}`);
        return result;
      }
    },
  };

  /** A machine with a GPU is asked for where the trainer is told to take one, not where it takes what there is. */
  async function asksForGpu(spec: TrainingSpec): Promise<boolean> {
    const parameters = checkParameters(await recipes.find(spec.recipe), spec.parameters);
    return parameters['device'] === 'cuda';
  }

  async function layOut(
    { dataset, features }: TrainingSpec,
    folder: string,
    { store, signal, progress }: WorkContext,
  ): Promise<string | undefined> {
    if (dataset?.$case === 'folder') return findDatasetFolder(config.SOUNDSTAGE_DATASETS_DIR ?? '', dataset.value);
    if (dataset?.$case !== 'manifest') return undefined;
    const data = join(folder, 'data');
    await layOutDataset(store, data, {
      manifest: dataset.value,
      features,
      mostClips: config.SOUNDSTAGE_TRAINING_CLIPS,
      mostBytes: config.SOUNDSTAGE_TRAINING_BYTES,
      signal,
      onProgress: (share, message) => progress('fetch', share, message),
    });
    return data;
  }

  async function trainerArguments(
    spec: TrainingSpec,
    data: string | undefined,
    { out, checkpoints }: { out: string; checkpoints: string },
  ): Promise<string[]> {
    const recipe = await recipes.find(spec.recipe);
    const parameters = checkParameters(recipe, spec.parameters);
    const files = [...(data === undefined ? [] : ['--data', data]), '--out', out];
    if (!recipe.trains) return [spec.recipe, ...files];
    const settings = ['--seed', String(spec.seed), '--parameters', JSON.stringify(parameters)];
    return [spec.recipe, ...files, '--checkpoints', checkpoints, ...settings];
  }

  /**
   * Ends a run that nobody will follow any more. A service that stops, or lost its lease, leaves the run to whoever
   * takes the job up. After any other error the next attempt, if there is one, starts it again and goes on from its
   * checkpoints; after the last the folder goes, too.
   */
  async function stopUnlessLeft<T>(runName: string, { signal }: WorkContext, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { reason, retryable } = SoundstageError.from(signal.aborted ? signal.reason : error);
      const isFinal = reason === 'CANCELLED' || reason === 'DEADLINE_EXCEEDED' || !retryable;
      if (!signal.aborted || isFinal) await (isFinal ? folders.discard(runName) : folders.stop(runName));
      throwIfAborted(signal);
      throw error;
    }
  }
}
