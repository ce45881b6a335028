import { sha256, SoundstageError } from '@soundstage/core';
import { createFaceModel, createMeshModel } from '@soundstage/faces';
import { openModel, type ExecutionProvider, type ModelCard, type ModelOnUse, type OpenModel } from '@soundstage/models';
import type { DecisionRules } from './decide.js';
import { measureSync, type MeasureOptions } from './measure.js';
import type { SyncMeasurement } from './measurement.js';

/** Measures with models that are loaded. */
export interface SyncMeter {
  measure(path: string, options?: MeasureOptions): Promise<SyncMeasurement>;
  /** Changes whenever the same file could be told otherwise: code, models. */
  readonly version: string;
  readonly models: readonly { name: string; version: string }[];
  close(): Promise<void>;
}

/** The models that a measurement runs. */
export const SYNC_MODELS = ['face', 'lips', 'mel_16k', 'speech', 'sync'] as const;
export type SyncModelName = (typeof SYNC_MODELS)[number];

/** To be raised with every change of the code that changes its answers. */
const CODE_VERSION = 'sync-2';

/**
 * Opens the models of a folder and measures with them.
 *
 * Throws SoundstageError: what openModel() throws; NOT_FOUND where a model is missing.
 */
export async function openSyncMeter(options: {
  modelsDir: string;
  threads: number;
  executionProvider: ExecutionProvider;
}): Promise<SyncMeter> {
  const { modelsDir: folder, threads, executionProvider } = options;
  const opened = new Map<SyncModelName, OpenModel>();
  const close = async () => {
    await Promise.all([...opened.values()].map((model) => model.close()));
  };
  try {
    for (const name of SYNC_MODELS) opened.set(name, await openModel({ folder, name, threads, executionProvider }));
    const of = (name: SyncModelName) => opened.get(name)!;
    const models = {
      face: of('face'),
      lips: of('lips'),
      mel_16k: of('mel_16k'),
      speech: of('speech'),
      sync: of('sync'),
    };
    return { ...syncMeterOf(models), close };
  } catch (error) {
    await close();
    throw error;
  }
}

export type SyncModelSet = Record<SyncModelName, Pick<ModelOnUse, 'card' | 'run'>>;

/** Measures with models that others opened, and close; they may be loaded when they are first run. */
export function syncMeterOf(models: SyncModelSet): Omit<SyncMeter, 'close'> {
  const { face, lips, mel_16k: mel, speech, sync } = models;
  const own = {
    ...{ mel, speech, sync },
    ...{ face: createFaceModel(face), mesh: createMeshModel(lips), rules: rulesOf(sync.card) },
  };
  const all = SYNC_MODELS.map((name) => models[name].card);
  return {
    measure: (path, measureOptions) => measureSync(path, own, measureOptions),
    version: `${CODE_VERSION}-${sha256(all.map((card) => card.sha256).join()).slice(0, 16)}`,
    models: all.map(({ name, version }) => ({ name, version })),
  };
}

function rulesOf(card: ModelCard): DecisionRules {
  const rules = card['decision'] as DecisionRules | undefined;
  const { confidence, penalties, answerFrom } = rules ?? {};
  const numbers: unknown[] = [
    answerFrom,
    ...[confidence?.bias, confidence?.margin, confidence?.flank, confidence?.share, confidence?.seconds],
    ...[penalties?.break, penalties?.drift],
  ];
  if (numbers.some((value) => typeof value !== 'number' || !Number.isFinite(value)))
    throw new SoundstageError('UNAVAILABLE', `The card of ${card.name}/${card.version} has no whole decision rules.`, {
      retryable: false,
    });
  return rules!;
}
