import { buffer } from 'node:stream/consumers';
import { SoundstageError, type ObjectStore } from '@soundstage/core';
import { compareAt } from './compare.js';
import { packFingerprint, unpackFingerprint, type Fingerprint } from './fingerprint.js';
import { sketchOf } from './sketch.js';

/*
 * The index of all clips by their sound, in the object store, written by any number of collectors at once without
 * waiting for each other:
 *
 *     fingerprints/clips/<sha256>                        the whole fingerprint
 *     fingerprints/marks/<mark>/<step>-<sha256>          empty: this clip has this mark at this step
 *
 * The second is locality-sensitive hashing with the fingerprint's marks: copies share some of them exactly, so a
 * clip is looked up by listing a few prefixes, whatever the number of clips.
 */

/**
 * Below this share of differing bits two sounds are the same. Over the real clips of the measurement in
 * `near-duplicates.test.ts`, copies (encoded again, cut, turned down) lie below it and strangers above.
 */
export const NEAR_DISTANCE = 0.32;
/** Shortest common part that counts, words: 1 s. */
export const LEAST_OVERLAP = 43;
/** How many candidates are compared bit by bit, those with the most marks in common first. */
const MOST_CANDIDATES = 32;
/** A mark that so many clips have is a hum; clips beyond aren't seen. */
const MOST_CLIPS_A_MARK = 500;

const clipKey = (sha256: string) => `fingerprints/clips/${sha256}`;
const markFolder = (mark: number) => `fingerprints/marks/${mark.toString(16).padStart(5, '0')}/`;

export interface NearMatch {
  sha256: string;
  distance: number;
}

/** Puts a clip into the index; doing it twice changes nothing. */
export async function indexFingerprint(store: ObjectStore, sha256: string, fingerprint: Fingerprint): Promise<void> {
  await putOnce(store, clipKey(sha256), packFingerprint(fingerprint));
  await Promise.all(
    sketchOf(fingerprint).map(({ mark, step }) =>
      putOnce(store, `${markFolder(mark)}${step}-${sha256}`, new Uint8Array(0)),
    ),
  );
}

/**
 * Finds clips that sound the same, nearest first.
 *
 * @param sha256 the clip's own, which isn't found
 */
export async function findNear(store: ObjectStore, sha256: string, fingerprint: Fingerprint): Promise<NearMatch[]> {
  const offsets = new Map<string, number[]>();
  await Promise.all(
    sketchOf(fingerprint).map(async ({ mark, step }) => {
      for (const { key } of await store.list(markFolder(mark), { limit: MOST_CLIPS_A_MARK })) {
        const [itsStep = '', other = ''] = key.slice(key.lastIndexOf('/') + 1).split('-');
        if (other !== sha256) offsets.set(other, [...(offsets.get(other) ?? []), step - Number(itsStep)]);
      }
    }),
  );
  const candidates = [...offsets].sort(([, a], [, b]) => b.length - a.length).slice(0, MOST_CANDIDATES);
  const found: NearMatch[] = [];
  for (const [other, itsOffsets] of candidates) {
    const theirs = await readFingerprint(store, other);
    const match = theirs && compareAt(fingerprint, theirs, itsOffsets, LEAST_OVERLAP);
    if (match && match.distance < NEAR_DISTANCE) found.push({ sha256: other, distance: match.distance });
  }
  return found.sort((a, b) => a.distance - b.distance);
}

async function readFingerprint(
  store: ObjectStore,
  sha256: string,
): Promise<Pick<Fingerprint, 'words' | 'heard'> | undefined> {
  try {
    return unpackFingerprint(await buffer(await store.get(clipKey(sha256))));
  } catch (error) {
    if (SoundstageError.from(error).reason === 'NOT_FOUND') return undefined;
    throw error;
  }
}

async function putOnce(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  await store.put(key, bytes, { ifVersion: 'absent' }).catch((error: unknown) => {
    if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
  });
}
