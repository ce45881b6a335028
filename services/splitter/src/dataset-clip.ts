import type { ObjectRef } from '@soundstage/contracts';
import { sha256 } from '@soundstage/core';
import type { Clip } from './sources.js';

export const SPLITS = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof SPLITS)[number];

/** An object as the store describes it, not as the client did. */
export interface StoredFile {
  key: string;
  sha256: string;
  sizeBytes: number;
  mediaType: string;
}

/** A clip of a dataset with what the preprocessor made of it. */
export interface DatasetClip extends Clip, StoredFile {
  /** Names the clip and its outputs in the exported dataset; hexadecimal. */
  id: string;
  /** Never empty: a clip without a source stands for itself. */
  sourceId: string;
  video?: StoredFile;
  audio?: StoredFile;
  /** A TAR of 000001.jpg, 000002.jpg, … */
  frames?: StoredFile;
  frameCount: number;
  /** 0: unknown. */
  durationS: number;
  /** Where the dataset itself puts the clip. */
  ownSplit: SplitName | '';
}

/** Where a clip stands. */
export interface Placement {
  split: SplitName;
  /** From 1; 0: in no fold. */
  fold: number;
}

export interface PlacedClip extends DatasetClip, Placement {}

/** A clip that did not come into the dataset. */
export interface Rejected {
  id: string;
  sourceId: string;
  label: string;
  reason: string;
  message: string;
}

/** The same clip with the same outputs has the same id. A clip that is used as it is has the hash of its bytes. */
export function clipId(clip: string, outputs: readonly (Pick<ObjectRef, 'sha256'> | undefined)[]): string {
  if (outputs.every((output) => output === undefined)) return clip;
  return sha256(JSON.stringify([clip, ...outputs.map((output) => output?.sha256 ?? '')]));
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/x-tar': '.tar',
  'audio/flac': '.flac',
  'audio/mp4': '.m4a',
  'audio/mpeg': '.mp3',
  'audio/ogg': '.ogg',
  'audio/wav': '.wav',
  'audio/x-wav': '.wav',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'video/mp4': '.mp4',
  'video/quicktime': '.mov',
  'video/webm': '.webm',
  'video/x-matroska': '.mkv',
  'video/x-msvideo': '.avi',
};

const named = (folder: string, name: string, { mediaType }: StoredFile) =>
  `${folder}/${name}${EXTENSIONS[mediaType.split(';')[0]!.trim().toLowerCase()] ?? '.bin'}`;

/** Paths in the exported dataset: made of hashes alone, so no name from outside can become a path. */
export function pathsOf(clip: DatasetClip): { clip: string; video?: string; audio?: string; frames?: string } {
  return {
    clip: named('clips', clip.sha256, clip),
    ...(clip.video ? { video: named('video', clip.id, clip.video) } : {}),
    ...(clip.audio ? { audio: named('audio', clip.id, clip.audio) } : {}),
    ...(clip.frames ? { frames: `frames/${clip.id}.tar` } : {}),
  };
}
