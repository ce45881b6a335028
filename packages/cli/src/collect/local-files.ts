import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { badInput } from '@soundstage/core';

/** A file that is to be collected, with what is known of it. */
export interface LocalFile {
  path: string;
  /** Its path below the folder that was given, with `/` between its parts. */
  name: string;
  sizeBytes: number;
  modifiedMs: number;
  label: string;
  /** What it was cut from; empty: nobody knows. */
  sourceId: string;
  datasetSplit: string;
}

export interface FolderOptions {
  label?: string | undefined;
  /** The label of a file is the name of the folder that it lies in. */
  labelFromFolder?: boolean | undefined;
}

/**
 * All files below a folder, in the order of their names' code points. Hidden ones are left out; links to files are
 * followed, links to folders aren't.
 *
 * @throws BAD_INPUT where a folder can't be read, or nothing is there
 */
export async function listFolder(folder: string, { label = '', labelFromFolder }: FolderOptions): Promise<LocalFile[]> {
  const files: LocalFile[] = [];
  const walk = async (path: string, prefix: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
      throw badInput(`The folder ${path} can't be read (${cause.code ?? cause.message}).`, 'source', cause);
    });
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const own = join(path, entry.name);
      if (entry.isDirectory()) {
        await walk(own, `${prefix}${entry.name}/`);
        continue;
      }
      const found = await stat(own).catch(() => undefined);
      if (!found?.isFile()) continue;
      files.push({
        path: own,
        name: prefix + entry.name,
        sizeBytes: found.size,
        modifiedMs: found.mtimeMs,
        label: labelFromFolder ? basename(dirname(own)).slice(0, 200) : label,
        sourceId: '',
        datasetSplit: '',
      });
    }
  };
  await walk(folder, '');
  if (files.length === 0) throw badInput(`There is no file below ${folder}.`, 'source');
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** SHA-256 of a file, lower-case hexadecimal. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, signal ? { signal } : {});
  return hash.digest('hex');
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.avi': 'video/x-msvideo',
  '.flac': 'audio/flac',
  '.m4a': 'audio/mp4',
  '.m4v': 'video/mp4',
  '.mkv': 'video/x-matroska',
  '.mov': 'video/quicktime',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.mpg': 'video/mpeg',
  '.ogg': 'application/ogg',
  '.ts': 'video/mp2t',
  '.wav': 'audio/wav',
  '.webm': 'video/webm',
};

/** What a file says of itself by its name; what it is, the collector finds out. */
export function mediaTypeByName(name: string): string {
  return MEDIA_TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream';
}
