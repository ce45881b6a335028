import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DatasetVersion, ObjectRef } from '@soundstage/contracts';
import { badInput, SoundstageError, throwIfAborted } from '@soundstage/core';
import { dvcRemotePath } from '../formats/dvc.js';
import { MANIFEST_PATH } from '../formats/index-files.js';
import type { TreeEntry } from '../formats/tree.js';
import { unpackFrames } from './untar.js';

export interface ExportOptions {
  version: DatasetVersion;
  /** The content of an object, by its key: TransferService's Download, or a store. */
  read: (key: string) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
  /** Called after each file. `path`: relative to the folder. */
  onFile?: (path: string, done: number, of: number) => void;
  signal?: AbortSignal;
}

const AT_A_TIME = 4;
const PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const MD5 = /^[0-9a-f]{32}$/;

/**
 * Writes a dataset version into a folder: clips, outputs, manifests, indexes and the page, each checked against its
 * hash. Frames are unpacked into folders, as Sound of Pixels reads them. What lies there already and is right stays, so
 * an export that broke off goes on; the manifest comes last, and whoever finds it finds all of it.
 *
 * @throws BAD_INPUT for a folder with another version of a dataset in it; INTERNAL where an object has another hash
 */
export async function exportDataset(folder: string, options: ExportOptions): Promise<{ files: number }> {
  const { version, read } = options;
  const manifest = join(folder, MANIFEST_PATH);
  const present = await hashOf(manifest);
  if (present !== undefined && present !== version.manifest?.sha256) {
    throw badInput(`${folder} holds another dataset: choose an empty folder.`, 'folder');
  }
  const entries = await readTree(options);
  await writeAll(entries, options, async (entry) => {
    const target = join(folder, entry.path);
    if (entry.media_type === 'application/x-tar' && entry.path.startsWith('frames/')) {
      const unpacked = target.replace(/\.tar$/, '');
      if (!(await stat(unpacked).catch(() => undefined))) {
        await mkdir(dirname(unpacked), { recursive: true });
        await unpackFrames(checked(await read(entry.key), entry), unpacked);
      }
    } else await writeChecked(target, entry, options);
  });
  return { files: entries.length };
}

/**
 * Lays a dataset version out as a DVC remote, and writes its `.dvc` file. A user of DVC then pulls it:
 * `dvc remote add -d soundstage REMOTE`, `dvc pull NAME.dvc`. Versions may share a remote.
 *
 * @param remote the folder that becomes the remote
 * @param project the folder of the DVC project, where `NAME.dvc` goes
 * @throws BAD_INPUT where the version was made without DVC
 */
export async function exportDvc(
  { remote, project }: { remote: string; project: string },
  options: ExportOptions,
): Promise<{ dvcFile: string; files: number }> {
  const { version } = options;
  if (!version.dvc || !version.dvcDirectory) {
    throw badInput(`Version ${version.id} of ${version.name} was made without DVC: split it again with dvc.`, 'dvc');
  }
  const entries = await readTree(options);
  await writeAll(entries, options, async (entry) => {
    if (!MD5.test(entry.md5 ?? '')) throw new SoundstageError('INTERNAL', `The dataset tells no MD5 of ${entry.path}.`);
    await writeChecked(join(remote, dvcRemotePath(entry.md5!)), entry, options);
  });
  const dvcFile = join(project, `${version.name}.dvc`);
  const listing = join(remote, `${randomUUID()}.partial`);
  await writeChecked(listing, entryOf(version.dvcDirectory), options);
  const md5 = createHash('md5')
    .update(await readFile(listing))
    .digest('hex');
  const target = join(remote, `${dvcRemotePath(md5)}.dir`);
  await mkdir(dirname(target), { recursive: true });
  await rename(listing, target);
  // Last: who has it can pull.
  await writeChecked(dvcFile, entryOf(version.dvc), options);
  return { dvcFile, files: entries.length };
}

/** What a file must be. */
type Expected = Pick<TreeEntry, 'path' | 'key' | 'sha256' | 'size_bytes'>;

const entryOf = ({ key, sha256, sizeBytes }: ObjectRef): Expected => ({
  path: key.split('/').at(-1)!,
  key,
  sha256,
  size_bytes: Number(sizeBytes),
});

/** The files of a version; the manifest is the last. */
async function readTree({ version, read }: ExportOptions): Promise<TreeEntry[]> {
  if (!version.tree) throw new SoundstageError('INTERNAL', `Version ${version.id} has no list of its files.`);
  const entries: TreeEntry[] = [];
  const content = Readable.from(checked(await read(version.tree.key), entryOf(version.tree)));
  for await (const line of createInterface({ input: content, crlfDelay: Infinity })) {
    if (!line) continue;
    const entry = JSON.parse(line) as TreeEntry;
    if (!PATH.test(entry.path)) {
      throw badInput(`The dataset names a file ${JSON.stringify(entry.path)}, which leads out of its folder.`);
    }
    entries.push(entry);
  }
  const last = (entry: TreeEntry) => Number(entry.path === MANIFEST_PATH);
  return entries.sort((a, b) => last(a) - last(b));
}

async function writeAll(
  entries: readonly TreeEntry[],
  { signal, onFile }: ExportOptions,
  write: (entry: TreeEntry) => Promise<void>,
): Promise<void> {
  let done = 0;
  for (let i = 0; i < entries.length;) {
    throwIfAborted(signal);
    // The manifest waits for all the others.
    const some = entries.slice(
      i,
      Math.min(i + AT_A_TIME, i < entries.length - 1 ? entries.length - 1 : entries.length),
    );
    const results = await Promise.allSettled(
      some.map(async (entry) => {
        await write(entry);
        onFile?.(entry.path, ++done, entries.length);
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    i += some.length;
  }
}

/** Writes a file that appears when it is whole and right; one that is right already stays. */
async function writeChecked(target: string, expected: Expected, { read, signal }: ExportOptions): Promise<void> {
  const present = await stat(target).catch(() => undefined);
  if (present?.size === expected.size_bytes && (await hashOf(target)) === expected.sha256) return;
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.${randomUUID()}.partial`;
  try {
    const content = checked(await read(expected.key), expected);
    await pipeline(Readable.from(content), createWriteStream(partial), signal ? { signal } : {});
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Passes content on, and fails at its end if it is not what it should be. */
async function* checked(content: AsyncIterable<Uint8Array>, expected: Expected): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const block of content) {
    hash.update(block);
    yield block;
  }
  if (hash.digest('hex') === expected.sha256) return;
  throw new SoundstageError('INTERNAL', `The object ${expected.key} arrived with another hash: try again.`);
}

async function hashOf(path: string): Promise<string | undefined> {
  if (!(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  const hash = createHash('sha256');
  const noting = new Transform({
    transform(block: Buffer, _, next) {
      hash.update(block);
      next();
    },
  });
  await pipeline(createReadStream(path), noting.resume());
  return hash.digest('hex');
}
