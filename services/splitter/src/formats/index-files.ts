import { SPLITS, pathsOf, type PlacedClip, type Placement } from '../dataset-clip.js';
import { manifestLine, placeInFold, rejectedLine } from '../versions/manifest-lines.js';
import type { Rejected } from '../dataset-clip.js';
import { csvLine } from './csv.js';

/** A text file of the exported dataset. Its pieces may be asked for more than once. */
export interface IndexFile {
  path: string;
  mediaType: string;
  pieces: () => Iterable<string>;
}

/** The manifest of the version: one clip a line. */
export const MANIFEST_PATH = 'manifest.jsonl';
export const REJECTED_PATH = 'rejected.jsonl';
export const foldManifestPath = (fold: number) => `folds/${fold}/manifest.jsonl`;

/**
 * All text files of a dataset: its manifest; `clips.csv` for spreadsheets; indexes for Sound of Pixels where clips have
 * sound and frames; file lists for RegNet; and the same for each fold.
 *
 * @param clips in canonical order
 */
export function indexFiles(clips: readonly PlacedClip[], rejected: readonly Rejected[], folds: number): IndexFile[] {
  const files = [
    jsonLines(MANIFEST_PATH, clips, (clip) => manifestLine(clip)),
    clipTable(clips),
    ...(rejected.length > 0 ? [jsonLines(REJECTED_PATH, rejected, rejectedLine)] : []),
    ...splitFiles('', clips, (clip) => clip),
  ];
  for (let fold = 1; fold <= folds; fold++) {
    files.push(
      jsonLines(foldManifestPath(fold), clips, (clip) => manifestLine(clip, placeInFold(clip, fold))),
      ...splitFiles(`folds/${fold}/`, clips, (clip) => placeInFold(clip, fold)),
    );
  }
  return files;
}

function jsonLines<T>(path: string, values: readonly T[], lineOf: (value: T) => unknown): IndexFile {
  return {
    path,
    mediaType: 'application/jsonl',
    pieces: () => mapped(values, (v) => `${JSON.stringify(lineOf(v))}\n`),
  };
}

function clipTable(clips: readonly PlacedClip[]): IndexFile {
  const header = csvLine(['path', 'id', 'source', 'label', 'split', 'fold', 'duration_s']);
  const row = (clip: PlacedClip) =>
    csvLine([
      ...[pathsOf(clip).clip, clip.id, clip.sourceId, clip.label, clip.split],
      ...[clip.fold || '', clip.durationS || ''],
    ]);
  return { path: 'clips.csv', mediaType: 'text/csv', pieces: () => mapped(clips, row, header) };
}

/**
 * For each split that has any: Sound of Pixels' index, `audio path,frames path,count` without a header, and RegNet's
 * file list, one name a line: that of the clip's outputs without folder and extension. RegNet knows train and test
 * alone; its third list is ours.
 */
function splitFiles(folder: string, clips: readonly PlacedClip[], placeOf: (clip: PlacedClip) => Placement) {
  const files: IndexFile[] = [];
  for (const split of SPLITS) {
    const those = clips.filter((clip) => placeOf(clip).split === split);
    // Clips of two labels stand in the manifest twice; they are one file.
    const own = [...new Map(those.map((clip) => [clip.id, clip])).values()];
    const heardAndSeen = own.filter(({ audio, frames }) => audio && frames);
    if (heardAndSeen.length > 0) {
      const row = (clip: PlacedClip) => {
        const { audio, frames } = pathsOf(clip);
        return csvLine([audio!, frames!.replace(/\.tar$/, ''), clip.frameCount]);
      };
      const path = `${folder}pixels/${split === 'validation' ? 'val' : split}.csv`;
      files.push({ path, mediaType: 'text/csv', pieces: () => mapped(heardAndSeen, row) });
    }
    if (own.length > 0) {
      const pieces = () => mapped(own, ({ id }) => `${id}\n`);
      files.push({ path: `${folder}regnet/${split}.txt`, mediaType: 'text/plain', pieces });
    }
  }
  return files;
}

function* mapped<T>(values: readonly T[], pieceOf: (value: T) => string, first = ''): Generator<string> {
  if (first) yield first;
  for (const value of values) yield pieceOf(value);
}
