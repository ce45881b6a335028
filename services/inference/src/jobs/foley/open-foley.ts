import type { Model } from '@soundstage/contracts';
import { sha256, SoundstageError } from '@soundstage/core';
import { openModel, type OpenModel } from '@soundstage/models';
import { readInferenceConfig, type InferenceConfig } from '../../config.js';
import { cardOf } from '../../models/card-of.js';
import { modelPlaces, type PromotedModels } from '../../models/model-places.js';
import { openShelf, type ModelLog, type ModelShelf } from '../../models/model-shelf.js';
import { runFoley, STEP_SHARES, type FoleyModels, type FoleyOptions, type FoleyOutcome } from './foley.js';
import { openPalette, type Palette } from './palette/palette.js';
import { runRegnet, type RegnetModels } from './regnet/regnet.js';
import { previewSound, type PreviewOptions } from './render/preview.js';
import { followMotion } from './see/motion.js';
import { decideByWords, mutedBy } from './see/what.js';
import { keepTime } from './see/when.js';
import { labelsOf, MODEL_NAMES, tryModel, type ModelName } from './trials.js';

/** How the sound is made: recordings placed by a cue sheet, or drawn by a net. */
export type Engine = 'palette' | 'regnet';

/** What a job may be asked for. With `regnet` only `outputPaths`, `quality`, `keepOriginal` and `seed` count. */
export type FoleyRequest = Omit<FoleyOptions, 'models' | 'palette'> & {
  engine?: Engine | undefined;
  /** Folder for what is kept only while it is worked on; the system's temporary one by default. */
  scratch?: string | undefined;
};

/** What was made, by what. */
export interface FoleyMade extends FoleyOutcome {
  engine: Engine;
  /** The models that were run, each wholly in one version. */
  models: { name: string; version: string }[];
}

/** The job with the models of one moment, whatever is exchanged meanwhile. */
export interface HeldFoley {
  /** Changes whenever the same video and seed could give other bytes: code, models, palette. */
  version: string;
  run(request: Omit<FoleyRequest, 'engine'>): Promise<FoleyMade>;
  release(): void;
}

/** The foley job with its models loaded and its palette read: opened once in a process, run as often as one likes. */
export interface Foley {
  /** The steps in order, with their share of the whole progress; the same for all engines. */
  steps: readonly { name: string; share: number }[];
  /** What is loaded now. */
  readonly models: Model[];
  readonly palette: Palette;
  /** The id of the class that words name. Throws SoundstageError BAD_INPUT, listing near ones, for none. */
  findSound(sound: string): string;
  /** The ids of the classes that words of `mute` name. Throws SoundstageError BAD_INPUT, listing near ones. */
  findMuted(words: readonly string[]): ReadonlySet<string>;
  /** Throws SoundstageError NOT_FOUND, with how to make them, where an engine's models aren't there. */
  hold(engine?: Engine): HeldFoley;
  /** The version of hold(). */
  versionOf(engine?: Engine): string;
  run(request: FoleyRequest): Promise<FoleyMade>;
  /** One sound as a WAV file, to be heard at once. */
  preview(options: Omit<PreviewOptions, 'palette'>): Promise<Uint8Array>;
  /** Takes what was promoted meanwhile, or rolled back; what can't be taken is logged. */
  refresh(): Promise<void>;
  /** Refreshes every so many milliseconds, until it is closed. */
  follow(everyMs: number): void;
  close(): Promise<void>;
}

export interface OpenFoleyOptions {
  config?: InferenceConfig;
  /** The engines that are wanted; `palette` alone by default. `regnet` is left out where it has no models. */
  engines?: readonly Engine[];
  /** Without it only the models that ship are taken. */
  promoted?: PromotedModels | undefined;
  log?: ModelLog | undefined;
}

/** To be raised with every change of an engine's code that changes its output. */
const CODE_VERSIONS: Record<Engine, string> = { palette: '4', regnet: 'regnet-1' };
const PALETTE_MODELS = ['motion', 'onset', 'classifier', 'detector'] as const;
const REGNET_MODELS = ['classifier', 'flow', 'flow_image', 'regnet'] as const;
/** The better one first. */
const VOICES = ['vocoder', 'griffin_lim'] as const;

/**
 * Loads models and palette from where the configuration says.
 *
 * Throws SoundstageError: what readInferenceConfig(), openModel() and openPalette() throw.
 */
export async function openFoley(options: OpenFoleyOptions = {}): Promise<Foley> {
  const { config = readInferenceConfig(), engines = ['palette'], promoted, log } = options;
  const withPalette = engines.includes('palette');
  const palettes = paletteKeeper(config.SOUNDSTAGE_PALETTE_DIR);
  const shelf = await openShelf<ModelName>({
    names: MODEL_NAMES,
    places: (name) => modelPlaces(name, config.SOUNDSTAGE_MODELS_DIR, promoted),
    needed: (available) => [...neededBy(engines, available)],
    required: withPalette ? PALETTE_MODELS : [],
    async open(name, folder) {
      const model = await openModel({
        folder,
        threads: config.SOUNDSTAGE_MODEL_THREADS,
        executionProvider: config.SOUNDSTAGE_EXECUTION_PROVIDER,
      });
      try {
        await tryModel(name, model);
        return model;
      } catch (error) {
        await model.close();
        throw error;
      }
    },
    async prepare(models) {
      if (!withPalette) return;
      await palettes.prepare(models);
      await tryTiming(models.get('motion')!, models.get('onset')!);
    },
    log,
  });
  return foleyOf(shelf, palettes);
}

function neededBy(engines: readonly Engine[], available: ReadonlySet<ModelName>): Set<ModelName> {
  const voice = VOICES.find((name) => available.has(name));
  const regnet = engines.includes('regnet') && available.has('regnet');
  return new Set<ModelName>([
    ...(engines.includes('palette') ? PALETTE_MODELS : []),
    ...(regnet ? REGNET_MODELS.filter((name) => available.has(name)) : []),
    ...(regnet && voice !== undefined ? [voice] : []),
  ]);
}

function foleyOf(shelf: ModelShelf<ModelName>, palettes: PaletteKeeper): Foley {
  const hold = (engine: Engine = 'palette'): HeldFoley => {
    const voice = VOICES.find((name) => shelf.current().has(name));
    const names = engine === 'palette' ? PALETTE_MODELS : [...REGNET_MODELS, voice ?? 'vocoder'];
    const absent = names.filter((name) => !shelf.current().has(name));
    // The others are opened with the net alone.
    const missing = absent.includes('regnet') ? ['regnet'] : absent;
    if (missing.length > 0) throw noModels(engine, missing);
    const { models, release } = shelf.hold(names);
    const of = <Name extends ModelName>(name: Name): OpenModel => models.get(name)!;
    const used = names.map((name) => ({ name: of(name).card.name, version: of(name).card.version }));
    const hashes = names.map((name) => of(name).card.sha256);
    const version = (...more: string[]): string =>
      `${CODE_VERSIONS[engine]}-${sha256([...hashes, ...more].join()).slice(0, 16)}`;
    if (engine === 'palette') {
      const palette = palettes.of(models);
      const own = Object.fromEntries(models) as unknown as FoleyModels;
      return {
        version: version(palette.sha256),
        run: async (request) => ({ engine, models: used, ...(await runFoley({ ...request, models: own, palette })) }),
        release,
      };
    }
    const [classifier, flow, flow_image, regnet] = REGNET_MODELS.map(of) as [
      OpenModel,
      OpenModel,
      OpenModel,
      OpenModel,
    ];
    const own: RegnetModels = { classifier, flow, flow_image, regnet, vocoder: of(voice!) };
    return {
      version: version(),
      run: async (request) => {
        const { outputPaths } = request;
        if (outputPaths === undefined) throw new TypeError('The engine regnet makes videos, no cue sheets.');
        return { engine, models: used, ...(await runRegnet({ ...request, outputPaths, models: own })) };
      },
      release,
    };
  };
  const palette = (): Palette => palettes.of(shelf.current());
  return {
    steps: STEP_SHARES,
    get models() {
      return [...shelf.current().values()].map(cardOf);
    },
    get palette() {
      return palette();
    },
    findSound: (sound) => decideByWords(sound, palette()).chosen.id,
    findMuted: (words) => mutedBy(words, palette()),
    hold,
    versionOf(engine) {
      const held = hold(engine);
      held.release();
      return held.version;
    },
    async run({ engine, ...request }) {
      const held = hold(engine);
      try {
        return await held.run(request);
      } finally {
        held.release();
      }
    },
    preview: (options) => previewSound({ ...options, palette: palette() }),
    refresh: () => shelf.refresh(),
    follow: (everyMs) => shelf.follow(everyMs),
    close: () => shelf.close(),
  };
}

/** The palette is tied to the labels of two models: one for each pair of label lists that is in use. */
interface PaletteKeeper {
  /** Throws SoundstageError UNAVAILABLE where the palette doesn't fit the labels. */
  prepare(models: ReadonlyMap<ModelName, OpenModel>): Promise<void>;
  of(models: ReadonlyMap<ModelName, OpenModel>): Palette;
}

function paletteKeeper(folder: string): PaletteKeeper {
  const byLabels = new Map<string, Palette>();
  const keyOf = new WeakMap<OpenModel, string>();
  const pair = (models: ReadonlyMap<ModelName, OpenModel>) =>
    `${keyOf.get(models.get('classifier')!)} ${keyOf.get(models.get('detector')!)}`;
  return {
    async prepare(models) {
      const read = async (name: 'classifier' | 'detector'): Promise<string[]> => {
        const model = models.get(name)!;
        const labels = await labelsOf(model);
        keyOf.set(model, sha256(JSON.stringify(labels)));
        return labels;
      };
      const labels = { imagenet: await read('classifier'), coco: await read('detector') };
      if (!byLabels.has(pair(models))) byLabels.set(pair(models), await openPalette(folder, labels));
    },
    of: (models) => byLabels.get(pair(models))!,
  };
}

/** Times a second without motion by the job's own code. Throws SoundstageError where the two models don't fit. */
async function tryTiming(motion: OpenModel, onset: OpenModel): Promise<void> {
  try {
    const keeper = keepTime(onset);
    const follower = followMotion(motion, keeper.add);
    for (let frame = 0; frame < 3; frame++) await follower.add(new Uint8Array(96 * 160), frame / 25);
    await follower.finish();
    await keeper.finish(0.2);
  } catch (cause) {
    const [one, other] = [motion, onset].map(({ card }) => `${card.name}/${card.version}`);
    throw new SoundstageError(
      'INTERNAL',
      `Models ${one} and ${other} don't fit: ${SoundstageError.from(cause).message}`,
      {
        cause,
        retryable: false,
      },
    );
  }
}

function noModels(engine: Engine, missing: readonly string[]): SoundstageError {
  return new SoundstageError(
    'NOT_FOUND',
    `The engine ${engine} has no model ${missing.join(', ')} here: none ships and none is promoted. Make them with \`soundstage pipeline run pipelines/foley.yaml\`, or leave the engine out.`,
  );
}
