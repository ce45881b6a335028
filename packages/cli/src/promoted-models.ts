import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createFolderObjectStore } from '@soundstage/adapters-local';
import { commonConfig, readConfig, type ObjectStore } from '@soundstage/core';
import type { ModelLog, ModelNews } from '@soundstage/inference';

/** The models that were promoted in SOUNDSTAGE_HOME, which go before those that ship; undefined where there is none. */
export function promotedModels(): { store: ObjectStore; cacheFolder: string } | undefined {
  const { SOUNDSTAGE_HOME } = readConfig({ SOUNDSTAGE_HOME: commonConfig.SOUNDSTAGE_HOME });
  const folder = join(SOUNDSTAGE_HOME, 'store');
  if (!existsSync(folder)) return undefined;
  return { store: createFolderObjectStore({ folder }), cacheFolder: join(SOUNDSTAGE_HOME, 'models') };
}

/** Tells on stderr which models can't be taken. */
export const MODEL_LOG: ModelLog = { info: () => undefined, warn: tell, error: tell };

function tell(facts: ModelNews, message: string): void {
  const why = facts.err instanceof Error ? ` (${facts.err.message})` : '';
  process.stderr.write(`soundstage: ${facts.model ?? 'models'}: ${message}${why}\n`);
}
