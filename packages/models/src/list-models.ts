import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SoundstageError } from '@soundstage/core';
import { readCard, type ModelCard } from './card.js';

/** A model version that lies on disk. */
export interface ListedModel {
  name: string;
  version: string;
  folder: string;
  card: ModelCard;
}

/** Every model version under `<folder>/<name>/<version>/card.json`, by name, then version, lowest first. */
export async function listModels(folder: string): Promise<ListedModel[]> {
  const found: ListedModel[] = [];
  for (const name of await folderNames(folder)) {
    for (const version of (await folderNames(join(folder, name))).sort(byVersion)) {
      const versionFolder = join(folder, name, version);
      const card = await readCard(versionFolder).catch((error: unknown) => {
        if (SoundstageError.from(error).reason === 'NOT_FOUND') return undefined;
        throw error;
      });
      if (card !== undefined) found.push({ name, version, folder: versionFolder, card });
    }
  }
  return found;
}

/**
 * The folder of a model version; without a version, of the highest; without a name, the folder is that of the version
 * itself. Throws SoundstageError NOT_FOUND.
 */
export async function findModelFolder(folder: string, name?: string, version?: string): Promise<string> {
  if (name === undefined) return folder;
  const versions = (await folderNames(join(folder, name))).sort(byVersion);
  const chosen = version ?? versions.at(-1);
  if (chosen === undefined || !versions.includes(chosen)) {
    const known = versions.length > 0 ? `there are versions ${versions.join(', ')}` : `there are ${await knownNames(folder)}`;
    throw new SoundstageError('NOT_FOUND', `There is no model ${name}${version ? `/${version}` : ''} in ${folder}: ${known}.`);
  }
  return join(folder, name, chosen);
}

async function knownNames(folder: string): Promise<string> {
  const names = await folderNames(folder);
  return names.length > 0 ? names.join(', ') : 'none at all';
}

async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
