import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Model } from '@soundstage/contracts';
import { sha256 } from '@soundstage/core';
import { openModel, type OpenModel } from '@soundstage/models';
import { readInferenceConfig } from '../../config.js';
import { runFoley, STEP_SHARES, type FoleyModels, type FoleyOptions, type FoleyOutcome } from './foley.js';
import { openPalette, type Palette } from './palette/palette.js';
import { previewSound, type PreviewOptions } from './render/preview.js';
import { decideByWords, mutedBy } from './see/what.js';

/** The foley job with its models loaded and its palette read: opened once in a process, run as often as one likes. */
export interface Foley {
  /** Changes whenever the same video and seed could give other bytes: code, models, palette. */
  version: string;
  /** The steps in order, with their share of the whole progress. */
  steps: readonly { name: string; share: number }[];
  models: Model[];
  palette: Palette;
  /** The id of the class that words name. Throws SoundstageError BAD_INPUT, listing near ones, for none. */
  findSound(sound: string): string;
  /** The ids of the classes that words of `mute` name. Throws SoundstageError BAD_INPUT, listing near ones. */
  findMuted(words: readonly string[]): ReadonlySet<string>;
  run(options: Omit<FoleyOptions, 'models' | 'palette'>): Promise<FoleyOutcome>;
  /** One sound as a WAV file, to be heard at once. */
  preview(options: Omit<PreviewOptions, 'palette'>): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** To be raised with every change of this job's code that changes its output. */
const CODE_VERSION = 4;
const NAMES = ['motion', 'onset', 'classifier', 'detector'] as const satisfies readonly (keyof FoleyModels)[];

/**
 * Loads models and palette from where the configuration says.
 *
 * Throws SoundstageError: what readInferenceConfig(), openModel() and openPalette() throw.
 */
export async function openFoley(config = readInferenceConfig()): Promise<Foley> {
  const opening = Promise.allSettled(
    NAMES.map((name) =>
      openModel({
        folder: config.SOUNDSTAGE_MODELS_DIR,
        name,
        threads: config.SOUNDSTAGE_MODEL_THREADS,
        executionProvider: config.SOUNDSTAGE_EXECUTION_PROVIDER,
      }),
    ),
  );
  const settled = await opening;
  const opened = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const close = async (): Promise<void> => void (await Promise.all(opened.map((model) => model.close())));
  try {
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
    const [motion, onset, classifier, detector] = opened as [OpenModel, OpenModel, OpenModel, OpenModel];
    const palette = await openPalette(config.SOUNDSTAGE_PALETTE_DIR, {
      imagenet: await labelsOf(classifier),
      coco: await labelsOf(detector),
    });
    return foleyOf({ motion, onset, classifier, detector }, palette, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function foleyOf(models: FoleyModels, palette: Palette, close: () => Promise<void>): Foley {
  const listed = NAMES.map((name) => modelOf(models[name]));
  return {
    version: `${CODE_VERSION}-${sha256([...listed.map((model) => model.sha256), palette.sha256].join()).slice(0, 16)}`,
    steps: STEP_SHARES,
    models: listed,
    palette,
    findSound: (sound) => decideByWords(sound, palette).chosen.id,
    findMuted: (words) => mutedBy(words, palette),
    run: (options) => runFoley({ ...options, models, palette }),
    preview: (options) => previewSound({ ...options, palette }),
    close,
  };
}

/** The names of a model's outputs, which lie beside it. */
async function labelsOf(model: OpenModel): Promise<string[]> {
  return JSON.parse(await readFile(join(model.folder, 'labels.json'), 'utf8')) as string[];
}

function modelOf({ card, executionProvider }: OpenModel): Model {
  const { name, version, sha256, licence } = card;
  return { name, version, sha256, executionProvider, licence: licence.model };
}
