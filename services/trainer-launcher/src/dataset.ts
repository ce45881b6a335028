import { mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ObjectRef } from '@soundstage/contracts';
import { badInput, csvField, fetchObject, SoundstageError, type ObjectStore } from '@soundstage/core';

/** A line of a split's manifest. */
interface ManifestLine {
  key: string;
  sha256: string;
  source_id: string;
  label: string;
  split: string;
}

const MANIFEST_BYTES = 64 * 2 ** 20;
const SUFFIXES: Readonly<Record<string, string>> = {
  'video/mp4': '.mp4',
  'video/quicktime': '.mov',
  'video/x-matroska': '.mkv',
  'video/webm': '.webm',
  'audio/wav': '.wav',
};

/** The path of a dataset by its name. @throws BAD_INPUT when it isn't a folder inside the launcher's */
export async function findDatasetFolder(root: string, name: string): Promise<string> {
  const shown = JSON.stringify(name.slice(0, 100));
  if (!name || name.includes('\0') || isAbsolute(name) || name.split(/[/\\]/).includes('..')) {
    throw badInput(
      `${shown} is not a folder inside the launcher's: give a path relative to it, without "..".`,
      'spec.folder',
    );
  }
  const real = await realpath(join(root, name)).catch((error: unknown) => {
    throw badInput(`There is no dataset ${shown}.`, 'spec.folder', error);
  });
  if (!`${real}${sep}`.startsWith(`${await realpath(root)}${sep}`)) {
    throw badInput(`The dataset ${shown} leads out of the launcher's folder.`, 'spec.folder');
  }
  if (!(await stat(real)).isDirectory()) throw badInput(`The dataset ${shown} is not a folder.`, 'spec.folder');
  return real;
}

/**
 * Copies the training clips of a split into a folder, with a `labels.csv` of clip, source, class and impact, as the
 * trainer reads it. Clips for validation and test stay out: what is measured on them later must be new to the model.
 * The manifest tells no impact; whoever trains onsets on a split chooses clips of things that are struck.
 *
 * A folder that is complete is left as it is, so that a second attempt doesn't pull it away from under a run.
 *
 * @throws BAD_INPUT for a manifest that can't be read, has no training clips, or names clips that aren't there
 */
export async function copyTrainingClips(
  store: ObjectStore,
  manifest: ObjectRef,
  folder: string,
  options: { signal: AbortSignal; onClip: (done: number, of: number) => void },
): Promise<void> {
  const marker = `${folder}.complete`;
  if (await stat(marker).catch(() => undefined)) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const lines = (await readManifest(store, manifest)).filter(({ split }) => split === 'train');
  if (lines.length === 0) throw badInput('The split has no clips for training.', 'spec.manifest');
  const rows = ['clip,source,class,impact'];
  for (const [done, { key, sha256, source_id: source, label }] of lines.entries()) {
    options.onClip(done, lines.length);
    const stored = await store.stat(key);
    if (!stored) throw badInput(`The split names a clip that is not in the store: ${key}.`, 'spec.manifest');
    const clip = `${sha256}${SUFFIXES[stored.mediaType] ?? '.mp4'}`;
    const reference = { key, sha256, sizeBytes: BigInt(stored.sizeBytes), mediaType: stored.mediaType };
    await fetchObject(store, reference, join(folder, clip), options.signal);
    rows.push([clip, source, label, '1'].map(csvField).join(','));
  }
  await writeFile(join(folder, 'labels.csv'), `${rows.join('\n')}\n`);
  await writeFile(marker, '');
}

async function readManifest(store: ObjectStore, manifest: ObjectRef): Promise<ManifestLine[]> {
  if (manifest.sizeBytes > MANIFEST_BYTES) {
    throw badInput(`The manifest has ${manifest.sizeBytes} bytes; the limit is ${MANIFEST_BYTES}.`, 'spec.manifest');
  }
  const text = (await buffer(await store.get(manifest.key))).toString('utf8');
  try {
    return text.split('\n').filter(Boolean).map(readLine);
  } catch (cause) {
    if (cause instanceof SoundstageError) throw cause;
    throw badInput(
      'The manifest is not one that the splitter wrote: each line must be a JSON object.',
      'spec.manifest',
      cause,
    );
  }
}

function readLine(text: string, index: number): ManifestLine {
  const line = JSON.parse(text) as Record<string, unknown> | null;
  const fields = ['key', 'sha256', 'source_id', 'label', 'split'];
  const missing = fields.filter((field) => typeof line?.[field] !== 'string');
  if (missing.length > 0)
    throw badInput(`Line ${index + 1} of the manifest has no ${missing.join(', ')}.`, 'spec.manifest');
  const read = line as unknown as ManifestLine;
  if (!/^[0-9a-f]{64}$/.test(read.sha256)) {
    throw badInput(`Line ${index + 1} of the manifest has no SHA-256 in sha256.`, 'spec.manifest');
  }
  return read;
}
