import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { CollectionSpec } from '@soundstage/contracts';
import { badInput, fetchObject, type WorkContext } from '@soundstage/core';
import { openInside } from './collect-folder.js';
import type { CollectorConfig } from './config.js';
import type { Downloader } from './download/downloader.js';
import { readUrl, type Reach } from './fetch/check-url.js';
import { fetchUrl } from './fetch/fetch-url.js';
import { identityOfFile, identityOfObject, identityOfPart, identityOfUrl } from './ledger.js';
import { refuse } from './refusal.js';

/** Where clips come from outside the store. */
export interface Sources {
  reach: Reach;
  downloader: Downloader;
}

export type ClipSource = NonNullable<CollectionSpec['source']>;

/** A source by itself, before anything is brought. */
export interface KnownSource {
  identity: string;
  /** Whom a lot of them would bother; empty for what is our own. */
  host: string;
  /** `upload:<key>`, `file:<path in the collector's folder>`, `url:…`, `youtube:<id>` */
  origin: string;
}

export const DATASET_HOST = 'youtube';

/** The collector's folder. @throws BAD_INPUT where it has none */
export function folderOf({ SOUNDSTAGE_COLLECT_DIR: folder }: CollectorConfig, field: string): string {
  if (folder !== undefined) return folder;
  throw badInput('This collector takes no files by name: upload the clip, or set SOUNDSTAGE_COLLECT_DIR.', field);
}

/** Tells what a source is, whether or not it can be had. */
export async function describeSource(source: ClipSource, config: CollectorConfig): Promise<KnownSource> {
  switch (source.$case) {
    case 'upload':
      return { identity: identityOfObject(source.value), host: '', origin: `upload:${source.value.key}` };
    case 'file': {
      const origin = `file:${source.value}`;
      const found = await stat(join(folderOf(config, 'spec.file'), source.value)).catch(() => undefined);
      const identity = found ? identityOfFile(source.value, found.size, found.mtimeMs) : origin;
      return { identity, host: '', origin };
    }
    case 'url':
      return {
        identity: identityOfUrl(readUrl(source.value).href),
        host: readUrl(source.value).host,
        origin: `url:${source.value}`,
      };
    case 'datasetClip':
      return {
        identity: identityOfPart(source.value),
        host: DATASET_HOST,
        origin: `youtube:${source.value.videoId}`,
      };
  }
}

/**
 * Brings a clip into the scratch folder, under a name that errors may show.
 *
 * @throws refusals by name; CANCELLED; UNAVAILABLE and EXHAUSTED of the store and the disk
 */
export async function fetchClip(
  source: ClipSource,
  { store, scratch, signal }: WorkContext,
  config: CollectorConfig,
  { reach, downloader }: Sources,
): Promise<{ path: string; sha256: string }> {
  const maxBytes = config.SOUNDSTAGE_CLIP_BYTES;
  switch (source.$case) {
    case 'upload': {
      const { sha256, sizeBytes } = source.value;
      const path = join(scratch, `upload-${sha256.slice(0, 12)}`);
      checkBytes(Number(sizeBytes), maxBytes, 'The upload');
      await fetchObject(store, source.value, path, signal);
      return { path, sha256 };
    }
    case 'file':
      return copyFile(folderOf(config, 'spec.file'), source.value, { scratch, signal, maxBytes });
    case 'url': {
      const last =
        new URL(source.value).pathname
          .split('/')
          .pop()
          ?.replace(/[^\w.-]/g, '_') ?? '';
      const path = join(scratch, last.slice(-100) || 'clip');
      const limits = { bytes: maxBytes, totalS: config.SOUNDSTAGE_FETCH_SECONDS };
      const { sha256 } = await fetchUrl(source.value, path, { reach, limits, signal });
      return { path, sha256 };
    }
    case 'datasetClip': {
      const folder = join(scratch, 'download');
      await mkdir(folder);
      const path = await downloader.download(source.value, folder, {
        maxBytes,
        maxSeconds: config.SOUNDSTAGE_FETCH_SECONDS,
        signal,
      });
      checkBytes((await stat(path)).size, maxBytes, `The part of ${source.value.videoId}`);
      return { path, sha256: await hashFile(path, signal) };
    }
  }
}

async function copyFile(
  folder: string,
  file: string,
  options: { scratch: string; signal: AbortSignal; maxBytes: number },
): Promise<{ path: string; sha256: string }> {
  const handle = await openInside(folder, file);
  try {
    const { size } = await handle.stat();
    checkBytes(size, options.maxBytes, JSON.stringify(file));
    const hash = createHash('sha256');
    const path = join(options.scratch, (file.split('/').pop() ?? '').slice(-100) || 'clip');
    const content = handle.createReadStream({ autoClose: false, start: 0, end: size - 1 });
    content.on('data', (block) => hash.update(block));
    await pipeline(content, createWriteStream(path), { signal: options.signal });
    return { path, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path, { signal })) hash.update(block as Buffer);
  return hash.digest('hex');
}

function checkBytes(bytes: number, maxBytes: number, name: string): void {
  if (bytes === 0) throw badInput(`${name} is empty (0 bytes).`, 'spec.source');
  if (bytes > maxBytes) throw refuse('too_large', `${name} has ${bytes} bytes; the limit is ${maxBytes}.`);
}
