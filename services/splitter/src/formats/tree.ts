import type { ObjectRef } from '@soundstage/contracts';
import { pathsOf, type PlacedClip } from '../dataset-clip.js';

/** One file of an exported dataset, as a line of its `tree`. */
export interface TreeEntry {
  /** Relative to the dataset's folder; of letters, digits, `.`, `_`, `-` and `/`. */
  path: string;
  key: string;
  sha256: string;
  size_bytes: number;
  media_type: string;
  /** Present where the dataset was made for DVC. */
  md5?: string;
}

/** All files of a dataset, each once, ordered by path. */
export function treeOf(
  clips: readonly PlacedClip[],
  texts: readonly { path: string; object: ObjectRef }[],
): TreeEntry[] {
  const entries = new Map<string, TreeEntry>();
  for (const { path, object } of texts) {
    entries.set(path, {
      path,
      key: object.key,
      sha256: object.sha256,
      size_bytes: Number(object.sizeBytes),
      media_type: object.mediaType,
    });
  }
  for (const clip of clips) {
    const paths = pathsOf(clip);
    for (const name of ['clip', 'video', 'audio', 'frames'] as const) {
      const [path, file] = [paths[name], name === 'clip' ? clip : clip[name]];
      if (path === undefined || file === undefined) continue;
      const { key, sha256, sizeBytes, mediaType } = file;
      entries.set(path, { path, key, sha256, size_bytes: sizeBytes, media_type: mediaType });
    }
  }
  return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What lies where in the dataset's folder, for whoever finds it. */
export function readmeText(version: { name: string; id: string; profile: string }, hasFrames: boolean): string {
  return `${version.name}, version ${version.id}${version.profile ? `, profile ${version.profile}` : ''}

index.html        to look and listen through the dataset
manifest.jsonl    one clip a line: file, source, label, split
rejected.jsonl    what was left out, and why
clips.csv         the same as the manifest, for a spreadsheet
pixels/           indexes for Sound of Pixels: audio path, frames path, number of frames
regnet/           file lists for RegNet: one name a line
folds/            the same for each fold: that fold is validation
clips/            the clips, named after their SHA-256
video/ audio/     what the preprocessor made of them, named after the clip's id
${hasFrames ? frames : ''}`;
}

const frames = `frames/           frames; where they lie as TAR files, unpack them before training:
                  for t in frames/*.tar; do mkdir -p "\${t%.tar}" && tar -xf "$t" -C "\${t%.tar}"; done
`;
