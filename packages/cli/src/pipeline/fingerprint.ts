import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The steps of a pipeline, in their order. */
export const STEP_NAMES = ['collect', 'preprocess', 'split', 'extract', 'train', 'promote'] as const;
export type StepName = (typeof STEP_NAMES)[number];

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const CODE = /(?<!\.test)\.(js|py)$/;
const CARDS = /^card\.json$/;

/** What a step's result depends on besides what it is given: code, and the cards of models, which name their hashes. */
const PARTS: Readonly<Record<StepName, (env: NodeJS.ProcessEnv) => readonly [folder: string, files: RegExp][]>> = {
  collect: () => [['services/collector/dist', CODE]],
  preprocess: (env) => [
    ['services/preprocessor/dist', CODE],
    ['packages/media/dist', CODE],
    [modelsFolder(env), CARDS],
  ],
  split: () => [['services/splitter/dist', CODE]],
  extract: (env) => [
    ['services/feature-extractor/dist', CODE],
    ['packages/media/dist', CODE],
    ['packages/models/dist', CODE],
    [modelsFolder(env), CARDS],
  ],
  train: (env) => [['services/trainer-launcher/dist', CODE], [modelsFolder(env), CARDS], ...trainerParts(env)],
  promote: () => [],
};

const modelsFolder = (env: NodeJS.ProcessEnv) => env.SOUNDSTAGE_MODELS_DIR || 'models';
const trainerParts = (env: NodeJS.ProcessEnv): [string, RegExp][] => [
  [join(env.SOUNDSTAGE_TRAINER_DIR || 'services/trainer', 'soundstage_trainer'), CODE],
];

/**
 * A hash of the code that does a step on this machine. Another one doesn't mean that the work is done again: the
 * services are asked, who know their own versions.
 */
export async function fingerprint(step: StepName, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return hashOf([['packages/cli/dist/pipeline', CODE], ['packages/core/dist', CODE], ...PARTS[step](env)]);
}

const known = new Map<string, Promise<string>>();

async function hashOf(parts: readonly (readonly [string, RegExp])[]): Promise<string> {
  const hash = createHash('sha256');
  for (const [folder, files] of parts) {
    const whole = join(folder.startsWith('/') ? '/' : ROOT, folder);
    const key = `${whole} ${files.source}`;
    if (!known.has(key)) known.set(key, hashFolder(whole, files));
    hash.update(`${await known.get(key)!}\n`);
  }
  return hash.digest('hex');
}

async function hashFolder(folder: string, files: RegExp): Promise<string> {
  const hash = createHash('sha256');
  const walk = async (path: string, prefix: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) await walk(join(path, entry.name), `${prefix}${entry.name}/`);
      else if (files.test(entry.name)) {
        hash.update(`${prefix}${entry.name}\n`).update(await readFile(join(path, entry.name)));
      }
    }
  };
  await walk(folder, '');
  return hash.digest('hex');
}
