import { createInterface } from 'node:readline';
import { type DatasetChange, DatasetChangeKind, type DatasetVersion } from '@soundstage/contracts';
import { SoundstageError, type ObjectStore } from '@soundstage/core';
import type { ManifestLine } from './manifest-lines.js';

export interface Comparison {
  /** By kind and clip. */
  changes: DatasetChange[];
  unchanged: number;
}

/** What two versions are compared by. */
export interface Compared {
  id: string;
  sha256: string;
  sourceId: string;
  label: string;
  /** `train`, `validation`, `test`, or `fold 2`. */
  place: string;
  /** Duration and number of frames. The dataset's own split counts only by where it puts the clip. */
  rest: string;
}

/** What became of each clip from one version to another. @throws NOT_FOUND where a manifest is gone */
export async function compareVersions(
  store: ObjectStore,
  from: DatasetVersion,
  to: DatasetVersion,
): Promise<Comparison> {
  const before = await readCompared(store, from);
  const after = await readCompared(store, to);
  return compareClips(before, after, await readReasons(store, to));
}

/**
 * Pairs clips by what they have in common, first those that agree in most: clip, outputs, source and label; then
 * without the label; then by the clip's bytes alone.
 *
 * @param rejected reasons for which the newer version rejects clips, by id and by hash
 */
export function compareClips(
  before: readonly Compared[],
  after: readonly Compared[],
  rejected: ReadonlyMap<string, string> = new Map(),
): Comparison {
  const pairs: [Compared, Compared][] = [];
  let [gone, come] = [before, after];
  for (const keyOf of [
    (clip: Compared) => JSON.stringify([clip.id, clip.sourceId, clip.label]),
    (clip: Compared) => JSON.stringify([clip.id, clip.sourceId]),
    (clip: Compared) => clip.sha256,
  ]) {
    const waiting = new Map<string, Compared[]>();
    for (const clip of gone) {
      const key = keyOf(clip);
      const list = waiting.get(key);
      if (list) list.push(clip);
      else waiting.set(key, [clip]);
    }
    const unpaired: Compared[] = [];
    for (const clip of come) {
      const partner = waiting.get(keyOf(clip))?.shift();
      if (partner) pairs.push([partner, clip]);
      else unpaired.push(clip);
    }
    gone = [...waiting.values()].flat();
    come = unpaired;
  }

  const changes: DatasetChange[] = [];
  let unchanged = 0;
  const add = (kind: DatasetChangeKind, old: Compared | undefined, now: Compared | undefined) => {
    const { id, sha256, sourceId } = (now ?? old)!;
    const sides = {
      fromLabel: old?.label ?? '',
      toLabel: now?.label ?? '',
      fromPlace: old?.place ?? '',
      toPlace: now?.place ?? '',
    };
    const rejectedReason = now ? '' : (rejected.get(id) ?? rejected.get(sha256) ?? '');
    changes.push({ kind, clipId: id, sha256, sourceId, ...sides, rejectedReason });
  };
  for (const [old, now] of pairs) {
    const known = changes.length;
    if (old.place !== now.place) add(DatasetChangeKind.MOVED, old, now);
    if (old.label !== now.label) add(DatasetChangeKind.RELABELLED, old, now);
    if (old.id !== now.id || old.sourceId !== now.sourceId || old.rest !== now.rest) {
      add(DatasetChangeKind.REMADE, old, now);
    }
    if (changes.length === known) unchanged++;
  }
  for (const clip of gone) add(DatasetChangeKind.REMOVED, clip, undefined);
  for (const clip of come) add(DatasetChangeKind.ADDED, undefined, clip);
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  changes.sort((a, b) => a.kind - b.kind || order(a.clipId, b.clipId) || order(a.sourceId, b.sourceId));
  return { changes, unchanged };
}

/** How many changes there are of a kind. */
export function countKind(changes: readonly DatasetChange[], kind: DatasetChangeKind): number {
  return changes.filter((change) => change.kind === kind).length;
}

/** How many changes there are of each kind. */
export function countChanges(changes: readonly DatasetChange[]) {
  return {
    added: countKind(changes, DatasetChangeKind.ADDED),
    removed: countKind(changes, DatasetChangeKind.REMOVED),
    moved: countKind(changes, DatasetChangeKind.MOVED),
    relabelled: countKind(changes, DatasetChangeKind.RELABELLED),
    remade: countKind(changes, DatasetChangeKind.REMADE),
  };
}

async function readCompared(store: ObjectStore, version: DatasetVersion): Promise<Compared[]> {
  const clips: Compared[] = [];
  for await (const line of readLines<ManifestLine>(store, version.manifest?.key ?? '')) {
    clips.push({
      id: line.id,
      sha256: line.sha256,
      sourceId: line.source_id,
      label: line.label,
      place: line.fold === undefined ? line.split : `fold ${line.fold}`,
      rest: JSON.stringify([line.duration_s, line.frames?.count]),
    });
  }
  return clips;
}

async function readReasons(store: ObjectStore, version: DatasetVersion): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  if (!version.rejected) return reasons;
  for await (const { id, reason } of readLines<{ id: string; reason: string }>(store, version.rejected.key)) {
    reasons.set(id, reason);
  }
  return reasons;
}

/** The values of a JSON Lines object that this service wrote. */
export async function* readLines<T>(store: ObjectStore, key: string): AsyncGenerator<T> {
  const content = await store.get(key).catch((cause: unknown) => {
    if (SoundstageError.from(cause).reason !== 'NOT_FOUND') throw cause;
    throw new SoundstageError('NOT_FOUND', `The dataset's file ${key} is no longer in the store.`, { cause });
  });
  try {
    for await (const line of createInterface({ input: content, crlfDelay: Infinity })) {
      if (line) yield JSON.parse(line) as T;
    }
  } finally {
    content.destroy();
  }
}
