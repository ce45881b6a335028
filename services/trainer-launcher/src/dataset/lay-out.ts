import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ObjectRef } from '@soundstage/contracts';
import { badInput, fetchObject, throwIfAborted, type ObjectStore, type StoredObject } from '@soundstage/core';
import { readFeatures, readManifest, type FeatureFiles, type ListedFile, type ManifestClip } from './read-lists.js';

export interface LayOutOptions {
  manifest: ObjectRef;
  features?: ObjectRef | undefined;
  mostClips: number;
  mostBytes: number;
  signal: AbortSignal;
  onProgress: (share: number, message: string) => void;
}

/** A file of the layout: where it comes from and where it goes. */
interface PlannedFile extends ListedFile {
  path: string;
  field: 'spec.manifest' | 'spec.features';
}

/** How many files are looked up, and how many fetched, at a time. */
const LOOKUPS = 32;
const FETCHES = 6;

const SUFFIXES: Readonly<Record<string, string>> = {
  'audio/flac': '.flac',
  'audio/wav': '.wav',
  'audio/x-wav': '.wav',
  'video/mp4': '.mp4',
  'video/quicktime': '.mov',
  'video/webm': '.webm',
  'video/x-matroska': '.mkv',
  'video/x-msvideo': '.avi',
};

/**
 * Lays the clips of a split out in a folder, all three splits of it, as the trainer reads them:
 *
 *     clips.jsonl                    one clip a line: id, source, label, split, and paths relative to the folder
 *     clips/<sha256>.mp4             the preprocessed picture where there is one, else the clip as it was collected
 *     sound/<sha256>.wav             the preprocessed sound, where it lies in a file of its own
 *     features/<id>/<feature>.npy    as far as there are features
 *
 * Every file's hash is checked. What is there already stays: a killed launcher's successor goes on where it was, and a
 * second attempt doesn't pull the data away from under a run. `clips.jsonl` is written last.
 *
 * @throws BAD_INPUT for lists that can't be read, files that aren't there, and more clips or bytes than allowed
 */
export async function layOutDataset(store: ObjectStore, folder: string, options: LayOutOptions): Promise<void> {
  const { manifest, features, mostClips, mostBytes, signal, onProgress } = options;
  const index = join(folder, 'clips.jsonl');
  if (await stat(index).catch(() => undefined)) return;
  const clips = await readManifest(store, manifest, mostClips, signal);
  const featuresOf = features ? await readFeatures(store, features, clips, signal) : new Map<string, FeatureFiles>();

  const plan = new Map<string, PlannedFile>();
  const stored = await lookUp(store, everyFile(clips, featuresOf), mostBytes, signal);
  const placed = (file: ListedFile, place: string, field: PlannedFile['field']): string => {
    const path = `${place}${suffixOf(stored.get(file.key)!, place)}`;
    plan.set(path, { ...file, path, field });
    return path;
  };
  const lines = clips.map((clip) => ({
    id: clip.id,
    source: clip.source,
    label: clip.label,
    split: clip.split,
    clip: placed(clip.clip, `clips/${clip.clip.sha256}`, 'spec.manifest'),
    ...(clip.sound ? { sound: placed(clip.sound, `sound/${clip.sound.sha256}`, 'spec.manifest') } : {}),
    features: Object.fromEntries(
      [...(featuresOf.get(clip.id) ?? [])].map(([name, file]) => [
        name,
        placed(file, `features/${clip.id}/${name}.npy`, 'spec.features'),
      ]),
    ),
  }));

  const files = [...plan.values()];
  let done = 0;
  await atOnce(FETCHES, files, async (file) => {
    throwIfAborted(signal);
    await fetchOnce(store, stored.get(file.key)!, join(folder, file.path), signal);
    done++;
    onProgress(done / files.length, `file ${done} of ${files.length}`);
  });
  await writeWhole(index, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

function* everyFile(
  clips: readonly ManifestClip[],
  featuresOf: ReadonlyMap<string, FeatureFiles>,
): Generator<ListedFile & { field: PlannedFile['field'] }> {
  for (const { id, clip, sound } of clips) {
    yield { ...clip, field: 'spec.manifest' };
    if (sound) yield { ...sound, field: 'spec.manifest' };
    for (const file of featuresOf.get(id)?.values() ?? []) yield { ...file, field: 'spec.features' };
  }
}

/** The objects as the store describes them, by key, before any of them is fetched. */
async function lookUp(
  store: ObjectStore,
  files: Iterable<ListedFile & { field: PlannedFile['field'] }>,
  mostBytes: number,
  signal: AbortSignal,
): Promise<Map<string, StoredObject>> {
  const stored = new Map<string, StoredObject>();
  let bytes = 0;
  await atOnce(LOOKUPS, files, async ({ key, sha256, field }) => {
    throwIfAborted(signal);
    const found = stored.get(key) ?? (await store.stat(key));
    if (!found) throw badInput(`There is no object ${JSON.stringify(key.slice(0, 300))} in the store.`, field);
    if (found.sha256 !== sha256)
      throw badInput(`The object ${key} has the hash ${found.sha256}, not ${sha256}.`, field);
    if (stored.has(key)) return;
    stored.set(key, found);
    bytes += found.sizeBytes;
    if (bytes > mostBytes) {
      throw badInput(`The dataset has more than ${mostBytes} bytes (SOUNDSTAGE_TRAINING_BYTES).`, field);
    }
  });
  return stored;
}

/** A file is there wholly or not at all, so that what is there need not be fetched again. */
async function fetchOnce(store: ObjectStore, object: StoredObject, path: string, signal: AbortSignal): Promise<void> {
  if (await stat(path).catch(() => undefined)) return;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}.part`;
  try {
    await fetchObject(store, { ...object, sizeBytes: BigInt(object.sizeBytes) }, draft, signal);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}

function suffixOf({ mediaType }: StoredObject, place: string): string {
  if (place.endsWith('.npy')) return '';
  const usual = place.startsWith('sound/') ? '.wav' : '.mp4';
  return SUFFIXES[mediaType.split(';')[0]!.trim().toLowerCase()] ?? usual;
}

/** Works on items in order, so many at a time; the first error ends it, once those under way have ended. */
async function atOnce<T>(width: number, items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      await work(next.value).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: width }, worker));
  const refused = ended.find((each) => each.status === 'rejected');
  if (refused) throw refused.reason as Error;
}
