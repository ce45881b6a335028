import type { DatasetVersion, ObjectRef } from '@soundstage/contracts';
import type { WorkContext } from '@soundstage/core';
import type { PlacedClip } from './dataset-clip.js';
import { dvcDirectory, dvcFile, md5Of, type DvcEntry } from './formats/dvc.js';
import { readmeText, treeOf } from './formats/tree.js';
import { storeText } from './write-text.js';

/** Objects whose MD5 is computed at a time. */
const AT_A_TIME = 4;

/**
 * Writes the list of all files of the exported dataset and, if asked for, what DVC needs to pull them.
 *
 * @param texts files that were written before, by path
 */
export async function writeTree(
  { store, scratch, outputPrefix, signal, progress }: WorkContext,
  dataset: { version: DatasetVersion; clips: readonly PlacedClip[]; texts: Map<string, ObjectRef>; dvc: boolean },
): Promise<Pick<DatasetVersion, 'tree' | 'dvc' | 'dvcDirectory'>> {
  const { version, clips, texts } = dataset;
  const put = (path: string, mediaType: string, pieces: Iterable<string>) =>
    storeText(store, `${scratch}/tree`, { key: `${outputPrefix}/${path}`, mediaType, pieces }, signal);
  const readme = readmeText(
    version,
    clips.some(({ frames }) => frames),
  );
  texts.set('README.txt', await put('README.txt', 'text/plain', [readme]));
  const entries = treeOf(
    clips,
    [...texts].map(([path, object]) => ({ path, object })),
  );
  const linesOf = function* () {
    for (const entry of entries) yield `${JSON.stringify(entry)}\n`;
  };
  if (!dataset.dvc) return { tree: await put('tree.jsonl', 'application/jsonl', linesOf()) };

  const tracked: DvcEntry[] = [];
  for (let i = 0; i < entries.length; i += AT_A_TIME) {
    const some = entries.slice(i, i + AT_A_TIME);
    const sums = await Promise.all(some.map((entry) => md5Of(store, entry, signal)));
    some.forEach((entry, j) => {
      entry.md5 = sums[j]!;
      tracked.push({ path: entry.path, md5: entry.md5, sizeBytes: entry.size_bytes });
    });
    progress(
      'keep',
      (0.9 * (i + some.length)) / entries.length,
      `MD5 of ${i + some.length} of ${entries.length} files`,
    );
  }
  return {
    tree: await put('tree.jsonl', 'application/jsonl', linesOf()),
    dvc: await put(`${version.name}.dvc`, 'application/yaml', [dvcFile(version.name, tracked)]),
    dvcDirectory: await put('dvc.dir', 'application/json', [dvcDirectory(tracked).bytes.toString()]),
  };
}
