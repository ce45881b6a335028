import { createHash } from 'node:crypto';
import { readJson, SoundstageError, writeJson, type ObjectStore } from '@soundstage/core';

/** A file that DVC tracks. */
export interface DvcEntry {
  path: string;
  md5: string;
  sizeBytes: number;
}

/**
 * DVC's list of the files of a folder, byte for byte as DVC 3 writes it: Python's JSON with sorted keys, ordered by
 * path. Its own MD5 with `.dir` behind it names the folder.
 */
export function dvcDirectory(entries: readonly DvcEntry[]): { bytes: Buffer; md5: string } {
  const items = entries
    .toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .map(({ md5, path }) => `{"md5": "${md5}", "relpath": ${JSON.stringify(path)}}`);
  const bytes = Buffer.from(`[${items.join(', ')}]`);
  return { bytes, md5: `${createHash('md5').update(bytes).digest('hex')}.dir` };
}

/** The `.dvc` file of a folder, to lie beside it: the format of DVC 3. */
export function dvcFile(folder: string, entries: readonly DvcEntry[]): string {
  const size = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    'outs:',
    `- md5: ${dvcDirectory(entries).md5}`,
    `  size: ${size}`,
    `  nfiles: ${entries.length}`,
    '  hash: md5',
    // Quoted: a dataset may be called 1.0 or true.
    `  path: '${folder}'`,
    '',
  ].join('\n');
}

/** Where a file lies in a DVC remote. */
export function dvcRemotePath(md5: string): string {
  return `files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`;
}

/**
 * The MD5 of an object. It is computed once for each content and kept beside, since versions share most of their files.
 *
 * @throws INTERNAL when the object is not what its hash says
 */
export async function md5Of(
  store: ObjectStore,
  file: { key: string; sha256: string },
  signal: AbortSignal,
): Promise<string> {
  const record = `md5/${file.sha256}`;
  const known = await readJson<{ md5: string }>(store, record);
  if (known) return known.value.md5;
  const [md5, sha256] = [createHash('md5'), createHash('sha256')];
  const content = await store.get(file.key);
  try {
    for await (const block of content as AsyncIterable<Buffer>) {
      if (signal.aborted) throw SoundstageError.from(signal.reason);
      md5.update(block);
      sha256.update(block);
    }
  } finally {
    content.destroy();
  }
  if (sha256.digest('hex') !== file.sha256) {
    throw new SoundstageError('INTERNAL', `The object ${file.key} is damaged: its content has another hash.`, {
      retryable: false,
    });
  }
  const digest = md5.digest('hex');
  await writeJson(store, record, { md5: digest });
  return digest;
}
