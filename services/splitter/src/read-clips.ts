import { createInterface } from 'node:readline';
import { RejectedClip, SplitClip, type ObjectRef, type SplitSpec } from '@soundstage/contracts';
import { badInput, SoundstageError, throwIfAborted, type ObjectStore } from '@soundstage/core';
import { checkClip, checkCount, checkRejected, ownSplitOf } from './check-spec.js';
import { clipId, type DatasetClip, type Rejected, type StoredFile } from './dataset-clip.js';
import { canonicalOrder } from './sources.js';

/** Objects that are looked up at a time. */
const LOOKUPS = 32;
const MOST_LIST_BYTES = 128 * 2 ** 20;
const LONGEST_LINE = 16_384;

export interface ReadOptions {
  clipLimit: number;
  signal: AbortSignal;
}

/**
 * The clips of a spec in canonical order, each with its objects as they lie in the store.
 *
 * @returns `repeated`: how many entries said the same of the same clip as another, and were left out
 * @throws BAD_INPUT that names the field, or the line of the list
 */
export async function readClips(
  spec: SplitSpec,
  store: ObjectStore,
  { clipLimit, signal }: ReadOptions,
): Promise<{ clips: DatasetClip[]; repeated: number }> {
  const given: { clip: SplitClip; field: string }[] = spec.clipList
    ? []
    : spec.clips.map((clip, i) => ({ clip, field: `spec.clips[${i}]` }));
  if (spec.clipList) {
    for await (const [clip, line] of jsonLines(store, spec.clipList, 'spec.clip_list', SplitClip)) {
      const field = `line ${line}`;
      inList('spec.clip_list', () => checkClip(clip, spec.method, field));
      given.push({ clip, field });
      checkCount(given.length, clipLimit, 'spec.clip_list');
    }
    if (given.length === 0) throw badInput('There is no clip in the list: give at least one.', 'spec.clip_list');
  }
  const clips: DatasetClip[] = [];
  for (let i = 0; i < given.length; i += LOOKUPS) {
    throwIfAborted(signal);
    clips.push(...(await Promise.all(given.slice(i, i + LOOKUPS).map((each) => stored(store, each)))));
  }
  const known = new Set<string>();
  const once = canonicalOrder(clips).filter((clip) => {
    const text = JSON.stringify([clip.id, clip.sourceId, clip.label]);
    return !known.has(text) && known.add(text);
  });
  return { clips: once, repeated: clips.length - once.length };
}

/** The rejected clips of a spec, in the order given. @throws as `readClips` */
export async function readRejected(
  spec: SplitSpec,
  store: ObjectStore,
  { clipLimit }: ReadOptions,
): Promise<Rejected[]> {
  if (!spec.rejectedList) return spec.rejected;
  const rejected: Rejected[] = [];
  for await (const [clip, line] of jsonLines(store, spec.rejectedList, 'spec.rejected_list', RejectedClip)) {
    inList('spec.rejected_list', () => checkRejected(clip, `line ${line}`));
    rejected.push(clip);
    checkCount(rejected.length, clipLimit, 'spec.rejected_list');
  }
  return rejected;
}

async function stored(
  store: ObjectStore,
  { clip: given, field }: { clip: SplitClip; field: string },
): Promise<DatasetClip> {
  const find = async (reference: ObjectRef | undefined, name: string): Promise<StoredFile | undefined> => {
    if (!reference) return undefined;
    const found = await store.stat(reference.key);
    if (!found) throw badInput(`${field}.${name}: there is no object ${JSON.stringify(reference.key)}.`, 'key');
    if (found.sha256 !== reference.sha256) {
      throw badInput(
        `${field}.${name}: the object ${reference.key} has the hash ${found.sha256}, not ${reference.sha256}.`,
        'sha256',
      );
    }
    const { key, sha256, sizeBytes, mediaType } = found;
    return { key, sha256, sizeBytes, mediaType };
  };
  const [clip, video, audio, frames] = await Promise.all([
    find(given.clip, 'clip'),
    find(given.video, 'video'),
    find(given.audio, 'audio'),
    find(given.frames, 'frames'),
  ]);
  if (!clip) throw badInput(`${field}.clip is missing.`, `${field}.clip`);
  return {
    ...clip,
    id: clipId(clip.sha256, [video, audio, frames]),
    sourceId: given.sourceId || clip.sha256,
    label: given.label,
    ...(video ? { video } : {}),
    ...(audio ? { audio } : {}),
    ...(frames ? { frames } : {}),
    frameCount: given.frameCount,
    durationS: given.durationS,
    ownSplit: ownSplitOf(given.ownSplit) ?? '',
  };
}

/** The lines of a list and their numbers, from 1. */
async function* jsonLines<T>(
  store: ObjectStore,
  list: ObjectRef,
  field: string,
  type: { fromJSON(json: unknown): T },
): AsyncGenerator<[T, number]> {
  const found = await store.stat(list.key);
  if (!found) throw badInput(`There is no object ${JSON.stringify(list.key)} in the store.`, field);
  if (found.sizeBytes > MOST_LIST_BYTES) {
    throw badInput(`The list has ${found.sizeBytes} bytes; the limit is ${MOST_LIST_BYTES}.`, field);
  }
  const content = await store.get(list.key);
  let number = 0;
  try {
    for await (const line of createInterface({ input: content, crlfDelay: Infinity })) {
      number++;
      if (!line.trim()) continue;
      if (line.length > LONGEST_LINE) {
        throw badInput(`Line ${number} has ${line.length} characters; the limit is ${LONGEST_LINE}.`, field);
      }
      let value: T;
      try {
        const json: unknown = JSON.parse(line);
        if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new TypeError('not an object');
        value = type.fromJSON(json);
      } catch (cause) {
        throw badInput(`Line ${number} is not a JSON object of the kind that is asked for.`, field, cause);
      }
      yield [value, number];
    }
  } finally {
    content.destroy();
  }
}

/** An error in a line is one of the list's field; which line it is stands in the sentence. */
function inList(field: string, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    throw badInput(SoundstageError.from(thrown).message, field, thrown);
  }
}
