import { createHash } from 'node:crypto';
import { pathsOf, type PlacedClip, type Placement, type Rejected, type StoredFile } from '../dataset-clip.js';

/** A line of a dataset's manifest. `key`, `sha256`, `source_id`, `label` and `split` are what a trainer needs. */
export interface ManifestLine {
  key: string;
  sha256: string;
  source_id: string;
  label: string;
  split: string;
  /** From 1; absent outside folds. */
  fold?: number;
  id: string;
  /** In the exported dataset. */
  path: string;
  size_bytes: number;
  media_type: string;
  /** Absent where it is unknown. */
  duration_s?: number;
  own_split?: string;
  video?: ManifestFile;
  audio?: ManifestFile;
  frames?: ManifestFile & { count: number };
}

export interface ManifestFile {
  key: string;
  sha256: string;
  path: string;
  size_bytes: number;
  media_type: string;
}

/** @param place overrides where the clip stands, for the manifest of a fold */
export function manifestLine(clip: PlacedClip, place: Placement = clip): ManifestLine {
  const paths = pathsOf(clip);
  const fileOf = (file: StoredFile, path: string): ManifestFile => ({
    key: file.key,
    sha256: file.sha256,
    path,
    size_bytes: file.sizeBytes,
    media_type: file.mediaType,
  });
  return {
    key: clip.key,
    sha256: clip.sha256,
    source_id: clip.sourceId,
    label: clip.label,
    split: place.split,
    ...(clip.fold > 0 ? { fold: clip.fold } : {}),
    id: clip.id,
    path: paths.clip,
    size_bytes: clip.sizeBytes,
    media_type: clip.mediaType,
    ...(clip.durationS > 0 ? { duration_s: clip.durationS } : {}),
    ...(clip.ownSplit ? { own_split: clip.ownSplit } : {}),
    ...(clip.video ? { video: fileOf(clip.video, paths.video!) } : {}),
    ...(clip.audio ? { audio: fileOf(clip.audio, paths.audio!) } : {}),
    ...(clip.frames ? { frames: { ...fileOf(clip.frames, paths.frames!), count: clip.frameCount } } : {}),
  };
}

/** The split of a clip when one fold is validation; clips outside the folds stay where they are. */
export function placeInFold(clip: PlacedClip, fold: number): Placement {
  if (clip.fold === 0) return clip;
  return { split: clip.fold === fold ? 'validation' : 'train', fold: clip.fold };
}

/**
 * The id of a version: what it holds, not where that lies, when it was made, from which one it came or by which seed.
 *
 * @param clips in canonical order
 * @returns SHA-256, lower-case hexadecimal
 */
export function versionId(content: {
  profile: string;
  folds: number;
  clips: readonly PlacedClip[];
  rejected: readonly Rejected[];
}): string {
  const hash = createHash('sha256');
  const add = (values: readonly unknown[]) => hash.update(`${JSON.stringify(values)}\n`);
  add(['soundstage dataset 1', content.profile, content.folds, content.clips.length, content.rejected.length]);
  for (const clip of content.clips) {
    const outputs = [clip.video, clip.audio, clip.frames].map((output) => output?.sha256 ?? '');
    add([clip.sha256, ...outputs, clip.frameCount, clip.sourceId, clip.label, clip.durationS, clip.ownSplit]);
    add([clip.split, clip.fold]);
  }
  for (const { id, sourceId, label, reason, message } of content.rejected) add([id, sourceId, label, reason, message]);
  return hash.digest('hex');
}

/** Orders rejected clips so that a version doesn't depend on the order in which they were given. */
export function orderRejected(rejected: readonly Rejected[]): Rejected[] {
  return rejected
    .map((clip) => ({ clip, text: JSON.stringify([clip.reason, clip.label, clip.id, clip.sourceId, clip.message]) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ clip }) => clip);
}

export const rejectedLine = ({ id, sourceId, label, reason, message }: Rejected) => ({
  id,
  source_id: sourceId,
  label,
  reason,
  message,
});
