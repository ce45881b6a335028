import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createFolderObjectStore } from '@soundstage/adapters-local';
import { commonConfig, readConfig } from '@soundstage/core';
import { openFoley, type Engine, type Foley, type ModelNews } from '@soundstage/inference';

/**
 * Opens the models of one engine: those that were promoted in SOUNDSTAGE_HOME go before those that ship, as in the
 * service. What can't be taken is told on stderr.
 *
 * Throws SoundstageError as openFoley() does.
 */
export async function openFoleyHere(engine: Engine = 'palette'): Promise<Foley> {
  const { SOUNDSTAGE_HOME } = readConfig({ SOUNDSTAGE_HOME: commonConfig.SOUNDSTAGE_HOME });
  const storeFolder = join(SOUNDSTAGE_HOME, 'store');
  const promoted = existsSync(storeFolder)
    ? { store: createFolderObjectStore({ folder: storeFolder }), cacheFolder: join(SOUNDSTAGE_HOME, 'models') }
    : undefined;
  const tell = (facts: ModelNews, message: string): void => {
    const why = facts.err instanceof Error ? ` (${facts.err.message})` : '';
    process.stderr.write(`soundstage: ${facts.model ?? 'models'}: ${message}${why}\n`);
  };
  return openFoley({ engines: [engine], promoted, log: { info: () => undefined, warn: tell, error: tell } });
}
