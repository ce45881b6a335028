import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TrainingResult, TrainingSpec, type Metric, type ObjectRef } from '@soundstage/contracts';
import {
  badInput,
  checkReference,
  SoundstageError,
  storeFile,
  throwIfAborted,
  type JobRunner,
  type Stage,
  type WorkContext,
} from '@soundstage/core';
import type { TrainerLauncherConfig } from './config.js';
import { copyTrainingClips, findDatasetFolder } from './dataset.js';
import { checkParameters } from './parameters.js';
import type { RecipeList } from './recipes.js';
import { runNameOf, type RunFolders } from './run-folders.js';
import { explainFailure, readTrainerEvent, trainerCommand } from './trainer-command.js';

export interface TrainingParts {
  runner: JobRunner;
  folders: RunFolders;
  recipes: RecipeList;
  /** Longest time of one run. */
  timeoutS: number;
}

/** What a run that succeeded has told. */
interface Trained {
  modelPath: string;
  cardPath: string;
  metrics: Metric[];
}

/** So often a run that was disturbed (its machine taken away) is started again within one attempt. */
const MAX_DISRUPTIONS = 10;
/** As many lines of the trainer's log are kept to explain a failure. */
const LOG_LINES = 50;

/** Training as work from the queue: lay out the dataset, run the recipe, store the model with its card. */
export function createTrainingStage(
  config: TrainerLauncherConfig,
  { runner, folders, recipes, timeoutS }: TrainingParts,
): Stage<TrainingSpec, 'training'> {
  return {
    kind: 'training',
    codeVersion: '1',
    steps: [
      { name: 'fetch', share: 5 },
      { name: 'train', share: 90 },
      { name: 'store', share: 5 },
    ],
    spec: TrainingSpec,
    result: TrainingResult,

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
      checkParameters(recipe, spec.parameters);
    },

    inputs: (spec) => (spec.dataset?.$case === 'manifest' ? [spec.dataset.value] : []),

    // The content of a folder is no part of the spec.
    belongsToJob: (spec) => spec.dataset?.$case === 'folder',

    async run(spec, context) {
      const { jobId, outputPrefix, store, signal, progress } = context;
      const runName = runNameOf(outputPrefix, jobId);
      for (let disruptions = 0; ; disruptions++) {
        // Removed when the job has ended, not before: a second attempt may still need what lies there.
        const folder = await folders.open(runName, jobId);
        progress('fetch', 0);
        const data = await layOutDataset(spec, folder, context);
        progress('fetch', 1);
        const out = join(folder, 'out');
        await mkdir(out, { recursive: true });
        progress('train', 0);
        await runner.start({
          name: runName,
          ...trainerCommand(config, await trainerArguments(spec, data, out)),
          cwd: folder,
          timeoutS,
        });
        const trained = await followRun(runName, out, context);
        if (trained === 'disrupted') {
          await folders.discard(runName);
          if (disruptions === MAX_DISRUPTIONS) {
            throw new SoundstageError('UNAVAILABLE', `The training was disturbed ${disruptions + 1} times in a row.`);
          }
          continue;
        }
        progress('train', 1);
        progress('store', 0);
        const sha256 = await checkCard(trained);
        // Under the model's own hash: another attempt's model never comes to stand beside this one's card.
        const prefix = `${outputPrefix}/${sha256.slice(0, 16)}`;
        const model = await storeFile(store, trained.modelPath, `${prefix}/model.onnx`, 'application/onnx', signal);
        const card = await storeFile(store, trained.cardPath, `${prefix}/card.json`, 'application/json', signal);
        progress('store', 1);
        return { model, card, metrics: trained.metrics, modelName: '', modelVersion: '' };
      }
    },
  };

  async function layOutDataset(
    { dataset }: TrainingSpec,
    folder: string,
    { store, signal, progress }: WorkContext,
  ): Promise<string | undefined> {
    if (dataset?.$case === 'folder') return findDatasetFolder(config.SOUNDSTAGE_DATASETS_DIR ?? '', dataset.value);
    if (dataset?.$case !== 'manifest') return undefined;
    const manifest: ObjectRef = dataset.value;
    const data = join(folder, 'data');
    const onClip = (done: number, of: number) => progress('fetch', done / of, `clip ${done + 1} of ${of}`);
    await copyTrainingClips(store, manifest, data, { signal, onClip });
    return data;
  }

  async function trainerArguments(spec: TrainingSpec, data: string | undefined, out: string): Promise<string[]> {
    const parameters = checkParameters(await recipes.find(spec.recipe), spec.parameters);
    return [
      spec.recipe,
      ...(data === undefined ? [] : ['--data', data]),
      ...['--out', out, '--seed', String(spec.seed), '--parameters', JSON.stringify(parameters)],
    ];
  }

  /** Follows a run to its end, from its first line, whoever started it. */
  async function followRun(
    runName: string,
    out: string,
    { signal, progress, log: jobLog }: WorkContext,
  ): Promise<Trained | 'disrupted'> {
    const metrics = new Map<string, number>();
    const log: string[] = [];
    let done: { model: string; card: string } | undefined;
    let said: string | undefined;
    try {
      for await (const event of runner.follow(runName, signal)) {
        if (event.type === 'end') {
          const { outcome } = event;
          if (outcome.state === 'disrupted') return 'disrupted';
          if (outcome.state === 'cancelled') throw new SoundstageError('CANCELLED', 'The training run was cancelled.');
          if (outcome.state === 'failed') throw explainFailure(outcome, said, log);
          if (!done) throw new SoundstageError('INTERNAL', 'The trainer ended without naming its model.');
          return {
            modelPath: await inside(out, done.model),
            cardPath: await inside(out, done.card),
            metrics: [...metrics].map(([name, value]) => ({ name, value })),
          };
        }
        if (event.stream === 'stderr') {
          log.push(event.text);
          if (log.length > LOG_LINES) log.shift();
          jobLog.debug({ run: runName }, event.text);
          continue;
        }
        const told = readTrainerEvent(event.text);
        if (told?.event === 'progress') progress('train', shareOf(told), told.message);
        else if (told?.event === 'metric') metrics.set(told.name, told.value);
        else if (told?.event === 'done') done = told;
        else if (told?.event === 'failed') said = told.message;
      }
      throw new SoundstageError('UNAVAILABLE', 'The training run could not be followed to its end.');
    } catch (error) {
      const { reason } = SoundstageError.from(signal.aborted ? signal.reason : error);
      // A service that stops, or lost its lease, leaves the run to whoever takes the job up. Every other end is final:
      // the next attempt, if there is one, needs a fresh run.
      if (!signal.aborted || reason === 'CANCELLED' || reason === 'DEADLINE_EXCEEDED') await folders.discard(runName);
      throwIfAborted(signal);
      throw error;
    }
  }
}

/** How far the training is: it has only ended when its run has, however soon the trainer counts its last step. */
function shareOf({ step, of }: { step: number; of: number }): number {
  return of > 0 ? Math.min(0.99, step / of) : 0;
}

/** A path that the trainer named, which must lie in its output folder. */
async function inside(out: string, path: string): Promise<string> {
  const real = await realpath(resolve(out, path)).catch(() => '');
  if (real.startsWith((await realpath(out)) + sep)) return real;
  throw new SoundstageError('INTERNAL', `The trainer named ${path}, which is not in its output folder.`);
}

/** The model's hash, which must be that of its card. */
async function checkCard({ modelPath, cardPath }: Trained): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(modelPath), hash);
  const sha256 = hash.digest('hex');
  const card = JSON.parse(await readFile(cardPath, 'utf8')) as { sha256?: unknown };
  if (card.sha256 === sha256) return sha256;
  throw new SoundstageError(
    'INTERNAL',
    `The trainer's card names the hash ${String(card.sha256)}, its model has ${sha256}.`,
  );
}
