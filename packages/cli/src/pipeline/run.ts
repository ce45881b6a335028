import { canonicalJson, sha256, SoundstageError } from '@soundstage/core';
import { connect, homeFolder, type Connection } from '../connect/connect.js';
import type { ServiceName } from '../connect/services.js';
import { fingerprint, STEP_NAMES, type StepName } from './fingerprint.js';
import type { Recipe } from './recipe.js';
import type { ReadRecipe } from './read-recipe.js';
import { createStepRecords, type StepRecord } from './records.js';
import type { Step, StepProgress, StepReport } from './step.js';
import { collectStep } from './steps/collect.js';
import { extractStep } from './steps/extract.js';
import { preprocessStep } from './steps/preprocess.js';
import { promoteStep, type Promotion } from './steps/promote.js';
import { splitStep, type Divided } from './steps/split.js';
import { trainStep, type Trained } from './steps/train.js';

/** Follows a run with the eye. */
export interface PipelineView {
  begin: (title: string) => void;
  progress: (progress: StepProgress) => void;
  end: (report: StepReport) => void;
  close: () => void;
}

export interface PipelineOptions {
  server?: string | undefined;
  /** Asks for everything anew. Services that know the answer still give the one that they have. */
  fresh?: boolean;
  retryRefused?: boolean;
  /** Clips on their way at a time. */
  inFlight: number;
  signal: AbortSignal;
  view: PipelineView;
  /** Called with what the run made, before the services are let go. */
  afterwards?: (result: PipelineResult, connection: () => Promise<Connection>) => Promise<void>;
}

export interface PipelineResult {
  name: string;
  steps: StepReport[];
  dataset?: Divided;
  trained: Trained[];
  models: Promotion[];
  /** Nothing was to be done: an earlier run did it all. */
  nothingNew: boolean;
  seconds: number;
  /** Why it ended before its end. */
  error?: SoundstageError;
}

/** Where a dry run ends: what follows can't be told yet. */
class WouldRun extends Error {}

/**
 * Runs a recipe from its sources to promoted models. What an earlier run did whole isn't done again; what it left off
 * is gone on with. A clip that is refused is counted and listed, and the run goes on.
 *
 * @returns also where a step failed: with `error`, and the steps behind it not reached
 */
export async function runPipeline(read: ReadRecipe, options: PipelineOptions): Promise<PipelineResult> {
  const services = createLazyConnection(read.recipe, options.server);
  try {
    const result = await perform(read.recipe, options, services);
    await options.afterwards?.(result, () => services.from('promote'));
    return result;
  } finally {
    options.view.close();
    await services.close();
  }
}

/** Tells which steps of a recipe would run; starts no service. */
export async function planPipeline(read: ReadRecipe, options: Pick<PipelineOptions, 'server'>): Promise<StepReport[]> {
  const view = { begin: () => undefined, progress: () => undefined, end: () => undefined, close: () => undefined };
  const signal = new AbortController().signal;
  return (await perform(read.recipe, { ...options, view, signal, inFlight: 1 }, undefined)).steps;
}

/** @param services none in a dry run, which ends before the first step that would do something */
async function perform(
  recipe: Recipe,
  options: PipelineOptions,
  services: LazyConnection | undefined,
): Promise<PipelineResult> {
  const { server, fresh = false, retryRefused = false, inFlight, signal, view } = options;
  const records = createStepRecords(homeFolder(), recipe.name);
  const startedAt = new Date();
  const result: PipelineResult = {
    name: recipe.name,
    steps: [],
    trained: [],
    models: [],
    nothingNew: true,
    seconds: 0,
  };
  let current: { name: StepName; title: string } = { name: 'collect', title: 'collect' };

  async function done<T>(step: Step<T>): Promise<T> {
    current = step;
    const beganMs = performance.now();
    const code = server === undefined ? await fingerprint(step.name) : `server ${server}`;
    const key = sha256(canonicalJson({ step: step.name, inputs: step.inputs, code }));
    const earlier = fresh || step.always || step.idle || retryRefused ? undefined : await records.read<T>(key);
    if (!earlier && !services && !step.idle) throw new WouldRun();
    if (!step.idle) view.begin(step.title);
    const outcome =
      earlier ??
      (await step.work({
        connection: () => services!.from(step.name),
        inFlight,
        startedAt,
        fresh,
        retryRefused,
        signal,
        progress: view.progress,
        noteOnce: (what, value) => records.once(key, what, value),
      }));
    if (step.idle) return outcome.value;
    const seconds = (performance.now() - beganMs) / 1000;
    if (!earlier) {
      const record: StepRecord<T> = { ...outcome, seconds, endedAt: new Date().toISOString() };
      await records.write(key, record);
      if (!step.always) result.nothingNew = false;
    }
    const { name, title } = step;
    const { done: made, refused } = outcome;
    const counts = { done: made, cached: earlier ? made : outcome.cached, refused };
    const report: StepReport = { name, title, state: earlier ? 'cached' : 'done', ...counts, seconds };
    result.steps.push(report);
    view.end(report);
    return outcome.value;
  }

  try {
    const collected = await done(await collectStep(recipe.collect));
    const prepared = await done(preprocessStep(recipe.preprocess, collected));
    const divided = (result.dataset = await done(splitStep(recipe.split, prepared)));
    const extracted = await done(extractStep(recipe.extract, divided));
    for (const step of recipe.train) result.trained.push(await done(trainStep(step, divided, extracted)));
    if (recipe.train.length > 0) result.models = await done(promoteStep(recipe.promote, result.trained));
  } catch (thrown) {
    result.nothingNew = false;
    const planned = thrown instanceof WouldRun;
    const failed = { ...current, done: 0, cached: 0, refused: [], seconds: 0 };
    const report: StepReport = {
      ...failed,
      name: current.name,
      title: current.title,
      state: planned ? 'not_reached' : 'failed',
    };
    result.steps.push(report);
    if (!planned) view.end(report);
    result.steps.push(...notReached(recipe, result.steps));
    if (!planned) result.error = explained(thrown, current.title);
  }
  result.seconds = (Date.now() - startedAt.getTime()) / 1000;
  return result;
}

/** The steps that follow, as far as they can be told. */
function notReached(recipe: Recipe, reached: readonly StepReport[]): StepReport[] {
  const { preprocess, extract, train } = recipe;
  const titles: [StepName, string][] = [
    ['collect', 'collect'],
    ...(preprocess ? [['preprocess', `preprocess ${preprocess.profile ?? ''}`.trim()] as [StepName, string]] : []),
    ['split', `divide as dataset ${recipe.split.dataset}`],
    ...(extract.length > 0
      ? [['extract', `extract ${extract.flatMap(({ features }) => features).join(', ')}`] as [StepName, string]]
      : []),
    ...train.map(({ recipe: name }): [StepName, string] => ['train', `train ${name}`]),
    ...(train.length > 0 ? [['promote', 'promote'] as [StepName, string]] : []),
  ];
  return titles
    .slice(reached.length)
    .map(([name, title]) => ({ name, title, state: 'not_reached', done: 0, cached: 0, refused: [], seconds: 0 }));
}

/** What failed where, and what to do next. */
function explained(thrown: unknown, title: string): SoundstageError {
  const error = SoundstageError.from(thrown);
  const next: Partial<Record<SoundstageError['reason'], string>> = {
    BAD_INPUT: 'Mend the recipe or what it names, and run it again: what is done stays done.',
    CANCELLED: 'Stopped. Run the same again to go on.',
    EXHAUSTED: 'Free some space, and run the same again to go on.',
    INTERNAL: 'Run the same again with SOUNDSTAGE_LOG_LEVEL=info to see what happens.',
  };
  const advice = next[error.reason] ?? 'Run the same again to go on.';
  const message = error.reason === 'CANCELLED' ? advice : `At the step "${title}": ${error.message}\n${advice}`;
  return new SoundstageError(error.reason, message, { cause: thrown, violations: [...error.violations] });
}

interface LazyConnection {
  /** The services that this step and those behind it need, started when first asked for. */
  from: (step: StepName) => Promise<Connection>;
  close: () => Promise<void>;
}

function createLazyConnection(recipe: Recipe, server: string | undefined): LazyConnection {
  const needs: Readonly<Record<StepName, ServiceName | undefined>> = {
    collect: 'collector',
    preprocess: recipe.preprocess && 'preprocessor',
    split: 'splitter',
    extract: recipe.extract.length > 0 ? 'feature-extractor' : undefined,
    train: recipe.train.length > 0 ? 'trainer-launcher' : undefined,
    promote: recipe.train.length > 0 ? 'trainer-launcher' : undefined,
  };
  let connection: Promise<Connection> | undefined;
  return {
    from(step) {
      const needed = STEP_NAMES.slice(STEP_NAMES.indexOf(step)).flatMap((each) => needs[each] ?? []);
      connection ??= connect([...new Set(needed.length > 0 ? needed : (['splitter'] as const))], { server });
      return connection;
    },
    async close() {
      await (await connection?.catch(() => undefined))?.close();
    },
  };
}
