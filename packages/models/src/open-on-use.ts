import { readCard, type ModelCard } from './card.js';
import { findModelFolder } from './list-models.js';
import { openModel, type OpenModel, type OpenModelOptions } from './open-model.js';

/** A model whose card was read, and that is loaded when it is first run. */
export interface ModelOnUse extends Pick<OpenModel, 'card' | 'run'> {
  /** Ends the process, if one was started. */
  close(): Promise<void>;
}

/**
 * Reads a model's card now and opens that version with the first run: for models that only some requests need. A run
 * that finds the model unfit to open throws what `openModel` throws, and the next one tries again.
 *
 * Throws SoundstageError: NOT_FOUND, BAD_INPUT (bad card).
 */
export async function openOnUse(options: Omit<OpenModelOptions, 'signal'>): Promise<ModelOnUse> {
  const { name, version, threads, executionProvider } = options;
  const folder = name === undefined ? options.folder : await findModelFolder(options.folder, name, version);
  const card: ModelCard = await readCard(folder);
  let opening: Promise<OpenModel> | undefined;
  const opened = (): Promise<OpenModel> => {
    opening ??= openModel({ folder, threads, executionProvider }).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    card,
    run: async (inputs, runOptions) => (await opened()).run(inputs, runOptions),
    async close() {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

/** Name, version and hash of a model, as results state them: `motion/1@sha256:…`. */
export function modelId({ card }: { card: ModelCard }): string {
  return `${card.name}/${card.version}@sha256:${card.sha256}`;
}
