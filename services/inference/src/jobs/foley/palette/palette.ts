import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { sha256, SoundstageError, throwIfAborted } from '@soundstage/core';
import { SAMPLE_RATE_HZ } from '../render/sample-rate.js';
import { readClasses, type PaletteClasses, type PaletteLabels, type SoundClass } from './sound-class.js';

/** A recording of the palette, decoded. */
export interface Recording {
  name: string;
  /** An SPDX identifier. */
  licence: string;
  /** Interleaved stereo at SAMPLE_RATE_HZ, −1..1. */
  pcm: Float32Array;
  /** Where its attack is. */
  onsetFrame: number;
}

export interface Palette extends PaletteClasses {
  /** Of everything in it. */
  sha256: string;
  /**
   * What a class can sound with, by name: its recordings, or `synthesis`. None where it must fall back to another class.
   */
  soundsOf(soundClass: SoundClass): readonly SoundName[];
  /** The recordings of a class, decoded once in a process; none for a class that is synthesised. */
  load(soundClass: SoundClass, signal?: AbortSignal): Promise<Recording[]>;
}

/** One sound of a class, as cue sheets and results name it. */
export interface SoundName {
  name: string;
  /** An SPDX identifier. */
  licence: string;
}

/** What is made here from numbers; nobody has a right in it. */
export const SYNTHESIS: SoundName = { name: 'synthesis', licence: 'CC0-1.0' };

/** One recording as `palette.json` lists it. */
interface ListedSound {
  id: string;
  file: string;
  class: string;
  licence: string;
  sha256: string;
  /** Where it is heard to begin, for one that begins softly. */
  attackS?: number;
}

/** The palette's struck recordings begin this long before their attack, if the list says nothing else. */
export const LEAD_S = 0.001;

/**
 * Reads `palette.json` and `classes.json` of a folder. Recordings are decoded when they are first used.
 *
 * Throws SoundstageError UNAVAILABLE where the folder is incomplete.
 */
export async function openPalette(folder: string, labels: PaletteLabels): Promise<Palette> {
  const [listText, classesText] = await Promise.all([
    readPart(folder, 'palette.json'),
    readPart(folder, 'classes.json'),
  ]);
  const { sounds } = JSON.parse(listText) as { sounds: ListedSound[] };
  const read = readClasses(classesText, labels);
  // A film asks for them once a hit.
  const named = new Map(read.classes.map((each) => [each.id, namesOf(each, sounds)]));
  const decoded = new Map<string, Promise<Recording>>();
  const recordingOf = (sound: ListedSound): Promise<Recording> => {
    const known = decoded.get(sound.id) ?? decodeSound(folder, sound);
    decoded.set(sound.id, known);
    known.catch(() => decoded.delete(sound.id)); // a disturbed read is tried again by the next job
    return known;
  };
  return {
    sha256: sha256(listText + classesText),
    ...read,
    soundsOf: ({ id }) => named.get(id) ?? [],
    async load(soundClass, signal) {
      const listed = sounds.filter((sound) => sound.class === soundClass.id);
      const recordings = await Promise.all(listed.map(recordingOf));
      throwIfAborted(signal);
      return recordings;
    },
  };
}

function namesOf(soundClass: SoundClass, sounds: readonly ListedSound[]): readonly SoundName[] {
  const listed = sounds.filter((sound) => sound.class === soundClass.id);
  if (listed.length > 0) return listed.map(({ id, licence }) => ({ name: id, licence }));
  return canBeSynthesised(soundClass) ? [SYNTHESIS] : [];
}

function canBeSynthesised({ kind, noise, modal }: SoundClass): boolean {
  return kind === 'continuous' ? noise !== undefined : modal !== undefined;
}

async function readPart(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8').catch((cause: unknown) => {
    throw new SoundstageError('UNAVAILABLE', `The palette in ${folder} has no ${name}: restore it from the release.`, {
      cause,
      retryable: false,
    });
  });
}

/**
 * Not cancelled with the job that asks first: others may wait for the same recording. Decoded in this process: what we
 * ship needs none of the care that media from outside does, and hundreds of short files would cost as many ffmpegs.
 */
async function decodeSound(folder: string, sound: ListedSound): Promise<Recording> {
  const bytes = await readFile(join(folder, sound.file)).catch((cause: unknown) => {
    throw unreadable(sound, 'it is missing', cause);
  });
  if (sha256(bytes) !== sound.sha256) throw unreadable(sound, 'it is not what palette.json says');
  const decoder = new FLACDecoder();
  try {
    await decoder.ready;
    const { channelData, samplesDecoded, sampleRate, errors } = await decoder.decodeFile(bytes);
    const [left, right = left] = channelData;
    if (!left || !right || errors.length > 0 || sampleRate !== SAMPLE_RATE_HZ) throw unreadable(sound, 'it is damaged');
    const pcm = new Float32Array(samplesDecoded * 2);
    for (let i = 0; i < samplesDecoded; i++) {
      pcm[2 * i] = left[i]!;
      pcm[2 * i + 1] = right[i]!;
    }
    return {
      name: sound.id,
      licence: sound.licence,
      pcm,
      onsetFrame: Math.round((sound.attackS ?? LEAD_S) * SAMPLE_RATE_HZ),
    };
  } finally {
    decoder.free();
  }
}

function unreadable(sound: ListedSound, why: string, cause?: unknown): SoundstageError {
  return new SoundstageError(
    'UNAVAILABLE',
    `The palette's ${sound.file} can't be used: ${why}. Restore it from the release.`,
    {
      cause,
      retryable: false,
    },
  );
}
