import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, SoundstageError, throwIfAborted } from '@soundstage/core';
import { decodeAudio } from '@soundstage/media';
import { SAMPLE_RATE_HZ } from './sample-rate.js';
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
  /** The recordings of a class, decoded once in a process; none for a class that is made of noise. */
  load(soundClass: SoundClass, signal?: AbortSignal): Promise<Recording[]>;
}

/** One recording as `palette.json` lists it. */
interface ListedSound {
  id: string;
  file: string;
  class: string;
  licence: string;
  sha256: string;
}

/** The palette's struck recordings begin this long before their attack. */
const LEAD_S = 0.001;

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
    async load(soundClass, signal) {
      const listed = sounds.filter((sound) => sound.class === soundClass.id);
      const recordings = await Promise.all(listed.map(recordingOf));
      throwIfAborted(signal);
      return recordings;
    },
  };
}

async function readPart(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8').catch((cause: unknown) => {
    throw new SoundstageError('UNAVAILABLE', `The palette in ${folder} has no ${name}: restore it from the release.`, {
      cause,
      retryable: false,
    });
  });
}

/** Not cancelled with the job that asks first: others may wait for the same recording. */
async function decodeSound(folder: string, sound: ListedSound): Promise<Recording> {
  const parts: Float32Array[] = [];
  try {
    const path = join(folder, sound.file);
    for await (const block of decodeAudio(path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 2 })) parts.push(block);
  } catch (cause) {
    const { message } = SoundstageError.from(cause);
    throw new SoundstageError(
      'UNAVAILABLE',
      `A recording of the palette can't be read: ${message} Restore it from the release.`,
      { cause },
    );
  }
  const pcm = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (pcm.set(part, at), at + part.length), 0);
  return { name: sound.id, licence: sound.licence, pcm, onsetFrame: Math.round(LEAD_S * SAMPLE_RATE_HZ) };
}
