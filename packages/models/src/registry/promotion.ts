import type { RegisteredModel } from '@soundstage/contracts';
import { readJson, SoundstageError, writeJson, type ObjectStore } from '@soundstage/core';
import { checkModelName, ignoreConflict, readEntry, registeredNames, versionsOf } from './entries.js';

/** What lies in `registry/<name>/promoted.json`; it changes under a precondition. */
interface Promotion {
  /** The versions that were promoted one after the other; the last one counts, a rollback takes it away. */
  stack: string[];
  /** What was done, the latest last. */
  history: { action: 'promote' | 'rollback'; from: string; to: string; time: string }[];
}

/** So many earlier versions, and so much history, are kept. */
const KEPT = 1000;
const MAX_CONFLICTS = 50;

export interface PromotionOptions {
  /** Changes something only if this version is promoted now; empty: only if none is. */
  expected?: string | undefined;
}

const promotionKey = (name: string) => `registry/${name}/promoted.json`;

/**
 * From now on this version goes before the one that ships. To promote what is promoted changes nothing.
 *
 * @throws NOT_FOUND; CONFLICT where another version than the expected one is promoted
 */
export async function promoteModel(
  store: ObjectStore,
  name: string,
  version: string,
  options: PromotionOptions = {},
): Promise<{ model: RegisteredModel; previousVersion: string }> {
  const model = await findRegistered(store, name, version);
  const { from } = await change(store, name, 'promote', options, (stack) =>
    stack.at(-1) === version ? stack : [...stack, version].slice(-KEPT),
  );
  return { model: { ...model, promoted: true }, previousVersion: from };
}

/**
 * Back to the version that was promoted before.
 *
 * @returns that version, or none where the model that ships is taken again
 * @throws NOT_FOUND for an unknown name; CONFLICT where nothing is promoted, or another version than the expected one
 */
export async function rollbackModel(
  store: ObjectStore,
  name: string,
  options: PromotionOptions = {},
): Promise<{ model?: RegisteredModel; previousVersion: string }> {
  checkModelName(name);
  if ((await versionsOf(store, name)).length === 0) throw unknownModel(name);
  const { from, to } = await change(store, name, 'rollback', options, (stack) => {
    if (stack.length === 0) throw conflict(`No version of ${name} is promoted: there is nothing to go back from.`);
    return stack.slice(0, -1);
  });
  if (to === '') return { previousVersion: from };
  return { model: { ...(await findRegistered(store, name, to)), promoted: true }, previousVersion: from };
}

/** The version that is promoted, or undefined where inference takes the one that ships. Cheap enough to ask often. */
export async function promotedVersion(store: ObjectStore, name: string): Promise<string | undefined> {
  checkModelName(name);
  return (await readJson<Promotion>(store, promotionKey(name)))?.value.stack.at(-1);
}

/** What was promoted and rolled back when, the latest last; an empty version is the one that ships. */
export async function promotionHistory(store: ObjectStore, name: string): Promise<Promotion['history']> {
  checkModelName(name);
  return (await readJson<Promotion>(store, promotionKey(name)))?.value.history ?? [];
}

/** @throws NOT_FOUND that names the versions there are */
export async function findRegistered(store: ObjectStore, name: string, version: string): Promise<RegisteredModel> {
  const entry = await readEntry(store, name, version);
  if (entry) return { ...entry.model, promoted: (await promotedVersion(store, name)) === version };
  const versions = await versionsOf(store, name);
  if (versions.length === 0) throw unknownModel(name);
  throw new SoundstageError(
    'NOT_FOUND',
    `There is no version ${JSON.stringify(version.slice(0, 40))} of the model ${name}: there are ${versions.slice(-20).join(', ')}.`,
  );
}

/** Every registered version of a name, or of all; by name, the newest version first. */
export async function listRegistered(store: ObjectStore, name?: string): Promise<RegisteredModel[]> {
  const { models } = await listRegisteredPage(store, { ...(name ? { name } : {}), size: Infinity });
  return models;
}

/**
 * One page of `listRegistered`.
 *
 * @param page.after `name/version` of the last one on the page before; empty: from the start
 * @returns also where the next page begins, empty at the end
 */
export async function listRegisteredPage(
  store: ObjectStore,
  page: { name?: string; size: number; after?: string },
): Promise<{ models: RegisteredModel[]; next: string }> {
  const [afterName = '', afterVersion = ''] = (page.after ?? '').split('/');
  if (page.name) checkModelName(page.name);
  const names = page.name ? [page.name] : await registeredNames(store);
  const from = afterName === '' ? 0 : names.indexOf(afterName);
  if (from < 0) throw new SoundstageError('BAD_INPUT', 'The page begins at a model that is not there.');
  const models: RegisteredModel[] = [];
  for (const each of names.slice(from)) {
    const promoted = await promotedVersion(store, each);
    const versions = (await versionsOf(store, each)).reverse();
    for (const version of versions) {
      if (each === afterName && version >= Number(afterVersion)) continue;
      const last = models.at(-1);
      if (last && models.length >= page.size) return { models, next: `${last.name}/${last.version}` };
      const entry = await readEntry(store, each, String(version));
      if (entry) models.push({ ...entry.model, promoted: entry.model.version === promoted });
    }
  }
  return { models, next: '' };
}

/** Replaces the record until nobody comes between. @returns which version was promoted and which is; empty: none */
async function change(
  store: ObjectStore,
  name: string,
  action: 'promote' | 'rollback',
  { expected }: PromotionOptions,
  next: (stack: string[]) => string[],
): Promise<{ from: string; to: string }> {
  for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts++) {
    const found = await readJson<Promotion>(store, promotionKey(name));
    const { stack, history } = found?.value ?? { stack: [], history: [] };
    const from = stack.at(-1) ?? '';
    if (expected !== undefined && expected !== from) {
      throw conflict(`${from ? `Version ${from}` : 'No version'} of ${name} is promoted, not what you expected.`);
    }
    const changed = next(stack);
    const to = changed.at(-1) ?? '';
    if (changed === stack) return { from, to };
    const event = { action, from, to, time: new Date().toISOString() };
    const promotion: Promotion = { stack: changed, history: [...history, event].slice(-KEPT) };
    const written = await writeJson(store, promotionKey(name), promotion, {
      ifVersion: found?.version ?? 'absent',
    }).catch(ignoreConflict);
    if (written) return { from, to };
  }
  throw new SoundstageError('UNAVAILABLE', `Which version of ${name} is promoted changes all the time: try again.`);
}

function unknownModel(name: string): SoundstageError {
  return new SoundstageError('NOT_FOUND', `No run has made a model ${name}.`);
}

function conflict(message: string): SoundstageError {
  return new SoundstageError('CONFLICT', message, {
    retryable: false,
    violations: [{ field: 'expected_version', description: message }],
  });
}
