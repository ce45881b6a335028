import type { Model } from '@soundstage/contracts';
import { sha256, SoundstageError } from '@soundstage/core';
import { openModel } from '@soundstage/models';
import { SYNC_MODELS, syncMeterOf, type SyncMeter, type SyncModelName, type SyncModelSet } from '@soundstage/sync';
import { readInferenceConfig, type InferenceConfig } from '../../config.js';
import { cardOf } from '../../models/card-of.js';
import { modelPlaces, type PromotedModels } from '../../models/model-places.js';
import { openShelf, type ModelLog } from '../../models/model-shelf.js';
import { tryWith } from '../../models/model-trial.js';
import { runSync, STEP_SHARES, type SyncOptions, type SyncOutcome } from './sync.js';
import { TRIALS } from './trials.js';

/** What a job may be asked for. */
export type SyncRequest = Omit<SyncOptions, 'meter'>;

/** What was found and done, by what. */
export interface SyncMade extends SyncOutcome {
  /** The models that were run, each wholly in one version. */
  models: readonly { name: string; version: string }[];
}

/** The job with the models of one moment, whatever is exchanged meanwhile. */
export interface HeldSync {
  /** Changes whenever the same video could give another answer or other bytes: code, models. */
  version: string;
  run(request: SyncRequest): Promise<SyncMade>;
  release(): void;
}

/** The sync job with its models loaded: opened once in a process, run as often as one likes. */
export interface Sync {
  /** The steps in order, with their share of the whole progress. */
  steps: readonly { name: string; share: number }[];
  /** What is loaded now; none where one is missing. */
  readonly models: Model[];
  /** Throws SoundstageError NOT_FOUND, with what is missing, where there are no models. */
  hold(): HeldSync;
  /** The version of hold(). */
  version(): string;
  run(request: SyncRequest): Promise<SyncMade>;
  /** Takes what was promoted meanwhile, or rolled back; what can't be taken is logged. */
  refresh(): Promise<void>;
  /** Refreshes every so many milliseconds, until it is closed. */
  follow(everyMs: number): void;
  close(): Promise<void>;
}

/** Makes a meter of models that are open. Throws SoundstageError where they don't fit each other. */
export type MeterOf = (models: SyncModelSet) => Omit<SyncMeter, 'close'>;

export interface OpenSyncOptions {
  config?: InferenceConfig;
  /** Without it only the models that ship are taken. */
  promoted?: PromotedModels | undefined;
  log?: ModelLog | undefined;
  /** What measures; by default lips and sound. */
  meterOf?: MeterOf | undefined;
}

/** To be raised with every change of this job's code that changes what it answers or makes. */
const CODE_VERSION = '1';

/**
 * Loads the models from where the configuration says. Where one isn't there it opens all the same, and hold() says what
 * is missing: another job of the same process needn't wait for it.
 *
 * Throws SoundstageError: what readInferenceConfig() throws; what speaks against models that ship.
 */
export async function openSync(options: OpenSyncOptions = {}): Promise<Sync> {
  const { config = readInferenceConfig(), promoted, log, meterOf = syncMeterOf } = options;
  let missing: readonly SyncModelName[] = SYNC_MODELS;
  const isWhole = (models: ReadonlyMap<SyncModelName, unknown>) => SYNC_MODELS.every((name) => models.has(name));
  const setOf = (models: ReadonlyMap<SyncModelName, unknown>) => Object.fromEntries(models) as unknown as SyncModelSet;
  const shelf = await openShelf<SyncModelName>({
    names: SYNC_MODELS,
    places: (name) => modelPlaces(name, config.SOUNDSTAGE_MODELS_DIR, promoted),
    needed(available) {
      missing = SYNC_MODELS.filter((name) => !available.has(name));
      return missing.length > 0 ? [] : SYNC_MODELS;
    },
    required: [],
    async open(name, folder) {
      const model = await openModel({
        folder,
        threads: config.SOUNDSTAGE_MODEL_THREADS,
        executionProvider: config.SOUNDSTAGE_EXECUTION_PROVIDER,
      });
      try {
        await tryWith(TRIALS[name], model, 'sync');
        return model;
      } catch (error) {
        await model.close();
        throw error;
      }
    },
    async prepare(models) {
      if (isWhole(models)) meterOf(setOf(models));
    },
    log,
  });
  const hold = (): HeldSync => {
    if (!isWhole(shelf.current())) throw noModels(missing);
    const { models, release } = shelf.hold(SYNC_MODELS);
    const meter = meterOf(setOf(models));
    return {
      version: `${CODE_VERSION}-${sha256(meter.version).slice(0, 16)}`,
      run: async (request) => ({ models: meter.models, ...(await runSync({ ...request, meter })) }),
      release,
    };
  };
  return {
    steps: STEP_SHARES,
    get models() {
      return [...shelf.current().values()].map(cardOf);
    },
    hold,
    version() {
      const held = hold();
      held.release();
      return held.version;
    },
    async run(request) {
      const held = hold();
      try {
        return await held.run(request);
      } finally {
        held.release();
      }
    },
    refresh: () => shelf.refresh(),
    follow: (everyMs) => shelf.follow(everyMs),
    close: () => shelf.close(),
  };
}

function noModels(missing: readonly string[]): SoundstageError {
  const which = missing.length > 0 ? `no model ${missing.join(', ')}` : 'no models that work';
  return new SoundstageError(
    'NOT_FOUND',
    `Sync has ${which} here: none ships and none is promoted. Train sync with \`soundstage pipeline run pipelines/sync.yaml\`; the others ship with Soundstage.`,
  );
}
