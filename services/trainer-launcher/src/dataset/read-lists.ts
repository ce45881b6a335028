import { createInterface } from 'node:readline';
import { ClipFeatures, Feature, featureToJSON, type ObjectRef } from '@soundstage/contracts';
import { badInput, throwIfAborted, type ObjectStore } from '@soundstage/core';

/** An object that a list names. */
export interface ListedFile {
  key: string;
  sha256: string;
}

/** A clip of a split, as its manifest tells. */
export interface ManifestClip {
  id: string;
  sha256: string;
  source: string;
  label: string;
  split: 'train' | 'validation' | 'test';
  /** The preprocessed picture where there is one, else the clip as it was collected. */
  clip: ListedFile;
  /** The preprocessed sound, where it lies in a file of its own. */
  sound?: ListedFile;
}

/** Name of a feature in lower case, `mel_22k`, and its array. */
export type FeatureFiles = ReadonlyMap<string, ListedFile>;

const SHA256 = /^[0-9a-f]{64}$/;
const SPLITS = ['train', 'validation', 'test'];
/** Longest list, bytes: 20,000 clips with every feature need about 100 MiB. */
const LIST_BYTES = 256 * 2 ** 20;

/**
 * The clips of a split, in the order of its manifest.
 *
 * @throws BAD_INPUT for what the splitter didn't write, or more than `mostClips`
 */
export async function readManifest(
  store: ObjectStore,
  manifest: ObjectRef,
  mostClips: number,
  signal: AbortSignal,
): Promise<ManifestClip[]> {
  const clips: ManifestClip[] = [];
  const ids = new Set<string>();
  for await (const { value, where } of jsonLines(store, manifest, 'manifest', signal)) {
    const line = value as Record<string, unknown>;
    const missing = ['key', 'sha256', 'source_id', 'label', 'split'].filter((field) => typeof line[field] !== 'string');
    if (missing.length > 0) throw badInput(`${where} has no ${missing.join(', ')}.`, 'spec.manifest');
    const own = fileOf(line, where, 'sha256')!;
    const split = line['split'] as ManifestClip['split'];
    if (!SPLITS.includes(split)) {
      throw badInput(
        `${where} has the split ${JSON.stringify(split)}: it must be ${SPLITS.join(', ')}.`,
        'spec.manifest',
      );
    }
    const id = typeof line['id'] === 'string' && SHA256.test(line['id']) ? line['id'] : own.sha256;
    if (ids.has(id)) throw badInput(`${where} names the clip ${id} for a second time.`, 'spec.manifest');
    ids.add(id);
    const sound = fileOf(line['audio'], where, 'audio.sha256');
    clips.push({
      id,
      sha256: own.sha256,
      source: line['source_id'] as string,
      label: line['label'] as string,
      split,
      clip: fileOf(line['video'], where, 'video.sha256') ?? own,
      ...(sound ? { sound } : {}),
    });
    if (clips.length > mostClips) {
      throw badInput(`The manifest has more than ${mostClips} clips (SOUNDSTAGE_TRAINING_CLIPS).`, 'spec.manifest');
    }
  }
  if (!clips.some(({ split }) => split === 'train'))
    throw badInput('The split has no clips for training.', 'spec.manifest');
  return clips;
}

/**
 * The features of the clips of a split, by the clip's id; those of other clips are left out.
 *
 * @throws BAD_INPUT for what isn't JSON Lines of ClipFeatures, or where it tells of none of the clips
 */
export async function readFeatures(
  store: ObjectStore,
  list: ObjectRef,
  clips: readonly ManifestClip[],
  signal: AbortSignal,
): Promise<Map<string, FeatureFiles>> {
  const byId = new Map(clips.map((clip) => [clip.id, clip]));
  const bySha = new Map(clips.map((clip) => [clip.sha256, clip]));
  const found = new Map<string, Map<string, ListedFile>>();
  for await (const { value, where } of jsonLines(store, list, 'features', signal)) {
    const { clipId, clipSha256, files } = ClipFeatures.fromJSON(value);
    const clip = clipId ? byId.get(clipId) : bySha.get(clipSha256);
    if (!clip) continue;
    const named = found.get(clip.id) ?? new Map<string, ListedFile>();
    for (const { feature, array } of files) {
      const name = featureToJSON(feature)
        .replace(/^FEATURE_/, '')
        .toLowerCase();
      if (feature === Feature.UNSPECIFIED || feature === Feature.UNRECOGNIZED || !array) {
        throw badInput(`${where} has a file without a feature or an array.`, 'spec.features');
      }
      if (!SHA256.test(array.sha256)) throw badInput(`${where} has no SHA-256 for ${name}.`, 'spec.features');
      named.set(name, array);
    }
    found.set(clip.id, named);
  }
  if (found.size === 0) throw badInput('The features are of other clips than those of the manifest.', 'spec.features');
  return found;
}

function fileOf(value: unknown, where: string, field: string): ListedFile | undefined {
  if (value === undefined || value === null) return undefined;
  const { key, sha256 } = value as Record<string, unknown>;
  if (typeof key !== 'string' || typeof sha256 !== 'string' || !SHA256.test(sha256)) {
    throw badInput(`${where} has no SHA-256 in ${field}.`, 'spec.manifest');
  }
  return { key, sha256 };
}

/** The objects of a list of JSON Lines, each with where it stands, in words. */
async function* jsonLines(
  store: ObjectStore,
  list: ObjectRef,
  what: 'manifest' | 'features',
  signal: AbortSignal,
): AsyncGenerator<{ value: object; where: string }> {
  const field = `spec.${what}`;
  const stored = await store.stat(list.key);
  if (stored?.sha256 !== list.sha256) throw badInput(`The object ${list.key} is not what ${field} says.`, field);
  if (stored.sizeBytes > LIST_BYTES) {
    throw badInput(`${field} has ${stored.sizeBytes} bytes; the limit is ${LIST_BYTES}.`, field);
  }
  const writer = what === 'manifest' ? 'the splitter' : 'the extractor';
  const content = await store.get(list.key);
  let number = 0;
  try {
    for await (const line of createInterface({ input: content, crlfDelay: Infinity })) {
      throwIfAborted(signal);
      number++;
      if (line.trim() === '') continue;
      const where = `Line ${number} of ${what === 'manifest' ? 'the manifest' : 'the features'}`;
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch (cause) {
        throw badInput(`${where} is no JSON object: it is not what ${writer} writes.`, field, cause);
      }
      if (typeof value !== 'object' || value === null) throw badInput(`${where} is no JSON object.`, field);
      yield { value, where };
    }
  } finally {
    content.destroy();
  }
}
