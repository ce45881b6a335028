import { RegisteredModel, type Metric, type ObjectRef } from '@soundstage/contracts';
import {
  badInput,
  canonicalJson,
  readJson,
  sha256,
  SoundstageError,
  storeBytes,
  writeJson,
  type ObjectStore,
} from '@soundstage/core';
import { registrationProblems } from './card-problems.js';

/*
 * The versions of models that runs have made, as records in the object store:
 *
 *     registry/<name>/<version>/entry.json       immutable; versions are whole numbers, counted for each name
 *     registry/<name>/runs/<hash>.json           which version a run's model has or is to have
 *     registry/<name>/promoted.json              see promotion.ts
 *     work/model-cards/<name>/<version>-….json   the card with that name and version, where clients may download it
 */

/** A model that is to be registered. */
export interface ModelToRegister {
  name: string;
  model: ObjectRef;
  /** As the trainer wrote it; the registry sets its `version`. */
  card: object;
  /** labels.json, where the model has classes. */
  labels?: ObjectRef;
  metrics: readonly Metric[];
  runId: string;
  /** Versions begin above this one: the one that ships. Default 0. */
  above?: number;
}

/** What lies in entry.json. */
export interface RegistryEntry {
  model: RegisteredModel;
  labels?: ObjectRef;
}

interface Claim {
  version: number;
}

/** A registry that refuses a precondition this often is broken, not busy. */
const MAX_CONFLICTS = 50;

const entryKey = (name: string, version: string) => `registry/${name}/${version}/entry.json`;

/** Names of models become parts of keys and of folders. @throws BAD_INPUT */
export function checkModelName(name: string): void {
  if (/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)) return;
  throw badInput(
    `${JSON.stringify(name.slice(0, 100))} can't be the name of a model: use at most 64 of a-z, 0-9, _ and -.`,
    'name',
  );
}

/**
 * Registers a model under the next version of its name. The same model of the same run has one version, however often
 * and by however many processes at once it is registered.
 *
 * @throws BAD_INPUT that lists every problem of the card
 */
export async function registerModel(store: ObjectStore, given: ModelToRegister): Promise<RegisteredModel> {
  const { name, model, runId } = given;
  checkModelName(name);
  const problems = registrationProblems(given.card, { name, sha256: model.sha256 });
  if (problems.length > 0) {
    throw new SoundstageError(
      'BAD_INPUT',
      `The model ${name} can't be registered: its card won't do: ${problems.join('; ')}.`,
      {
        violations: problems.map((description) => ({ field: 'card', description })),
      },
    );
  }
  const claimKey = `registry/${name}/runs/${sha256(canonicalJson([runId, model.sha256])).slice(0, 40)}.json`;
  for (let conflicts = 0; ; conflicts++) {
    if (conflicts > MAX_CONFLICTS) {
      throw new SoundstageError('UNAVAILABLE', `The model ${name} could not be registered: try again.`);
    }
    const claim = await readJson<Claim>(store, claimKey);
    if (claim) {
      const entry = await createEntry(store, given, String(claim.value.version));
      if (entry.model.runId === runId && entry.model.sha256 === model.sha256) return entry.model;
    }
    // No version yet, or another run was faster to this one. An entry never goes away, so nobody who still holds the
    // old claim can make a second one of it.
    const version = Math.max(given.above ?? 0, ...(await versionsOf(store, name))) + 1;
    await writeJson(store, claimKey, { version } satisfies Claim, { ifVersion: claim?.version ?? 'absent' }).catch(
      ignoreConflict,
    );
  }
}

/** Makes the entry of a version unless there is one. @returns the one that is there then, whoever made it */
async function createEntry(store: ObjectStore, given: ModelToRegister, version: string): Promise<RegistryEntry> {
  const { name, model, labels, metrics, runId } = given;
  const earlier = await readEntry(store, name, version);
  if (earlier) return earlier;
  const card = Buffer.from(`${JSON.stringify({ ...given.card, name, version }, undefined, 2)}\n`);
  // Named after its content too: whoever loses the version leaves nothing in the winner's way.
  const cardKey = `work/model-cards/${name}/${version}-${sha256(card).slice(0, 16)}.json`;
  const entry = {
    model: RegisteredModel.toJSON({
      name,
      version,
      sha256: model.sha256,
      model,
      card: await storeBytes(store, card, cardKey, 'application/json'),
      metrics: [...metrics],
      runId,
      createTime: new Date(),
      promoted: false,
    }),
    ...(labels ? { labels: { ...labels, sizeBytes: String(labels.sizeBytes) } } : {}),
  };
  await writeJson(store, entryKey(name, version), entry, { ifVersion: 'absent' }).catch(ignoreConflict);
  const made = await readEntry(store, name, version);
  if (made) return made;
  throw new SoundstageError('UNAVAILABLE', `The entry of ${name}/${version} went away just after it was made.`);
}

/** The entry of a version, or undefined where there is none; `promoted` is not told here. */
export async function readEntry(store: ObjectStore, name: string, version: string): Promise<RegistryEntry | undefined> {
  checkModelName(name);
  if (!/^[1-9]\d{0,14}$/.test(version)) return undefined;
  const found = await readJson<{ model: unknown; labels?: ObjectRef }>(store, entryKey(name, version));
  if (!found) return undefined;
  const { model, labels } = found.value;
  return {
    model: RegisteredModel.fromJSON(model),
    ...(labels ? { labels: { ...labels, sizeBytes: BigInt(labels.sizeBytes) } } : {}),
  };
}

/** The versions of a name, lowest first. */
export async function versionsOf(store: ObjectStore, name: string): Promise<number[]> {
  const prefix = `registry/${name}/`;
  const versions: number[] = [];
  for (let after = prefix; ;) {
    const page = await store.list(prefix, { after, limit: 1000 });
    for (const { key } of page) {
      const [, version] = /^([1-9]\d{0,14})\/entry\.json$/.exec(key.slice(prefix.length)) ?? [];
      if (version) versions.push(Number(version));
    }
    if (page.length < 1000) return versions.sort((a, b) => a - b);
    after = page.at(-1)!.key;
  }
}

/** The names of which there are versions, in the order of their bytes. */
export async function registeredNames(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for (let after = 'registry/'; ;) {
    const [first] = await store.list('registry/', { after, limit: 1 });
    const name = first?.key.split('/')[1];
    if (name === undefined) return names;
    names.push(name);
    after = `registry/${name}/~`; // behind every key of this name
  }
}

export function ignoreConflict(error: unknown): void {
  const { reason } = SoundstageError.from(error);
  if (reason !== 'CONFLICT' && reason !== 'ALREADY_EXISTS') throw error;
}
