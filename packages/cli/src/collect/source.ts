import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { badInput } from '@soundstage/core';
import { listFolder, mediaTypeByName, type FolderOptions, type LocalFile } from './local-files.js';

/** What a person may name to be collected. */
export type CollectSource =
  | { kind: 'files'; files: LocalFile[] }
  | { kind: 'urls'; path: string }
  | { kind: 'dataset'; path: string }
  | { kind: 'bucket'; prefix: string };

const BUCKET = 'bucket:';

/**
 * Finds out what a source is: a folder, a clip, a list of addresses (any other file), a dataset's list (`.csv`), or
 * `bucket:PREFIX`.
 *
 * @throws BAD_INPUT where there is nothing of that name
 */
export async function readSource(source: string, options: FolderOptions = {}): Promise<CollectSource> {
  if (source.startsWith(BUCKET)) return { kind: 'bucket', prefix: source.slice(BUCKET.length) };
  if (/^https?:\/\//i.test(source)) {
    throw badInput(`${source} is an address: write it into a file, one address a line, and give that file.`, 'source');
  }
  const found = await stat(source).catch(() => undefined);
  if (found === undefined) throw badInput(`There is no file or folder ${source}.`, 'source');
  if (found.isDirectory()) return { kind: 'files', files: await listFolder(source, options) };
  if (extname(source).toLowerCase() === '.csv') return { kind: 'dataset', path: source };
  if (mediaTypeByName(source) === 'application/octet-stream') return { kind: 'urls', path: source };
  const { size: sizeBytes, mtimeMs: modifiedMs } = found;
  const about = { label: options.label ?? '', sourceId: '', datasetSplit: '' };
  return { kind: 'files', files: [{ path: source, name: basename(source), sizeBytes, modifiedMs, ...about }] };
}
