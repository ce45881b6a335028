import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, normalize, relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import type { BulkCollectionSpec, ObjectRef } from '@soundstage/contracts';
import { badInput, SoundstageError, throwIfAborted, type ObjectStore } from '@soundstage/core';
import { readUrl } from '../fetch/check-url.js';
import { identityOfFile, identityOfObject, identityOfUrl } from '../ledger.js';
import { refusalOf } from '../refusal.js';
import { datasetItems } from './dataset-csv.js';
import type { Item } from './items.js';

/** A longer list is several lists. */
export const MOST_ITEMS = 250_000;
const LONGEST_LINE = 4096;

interface Listing {
  store: ObjectStore;
  /** The collector's folder. */
  folder: () => string;
  signal: AbortSignal;
}

/**
 * All items of a bulk collection, each source once, in a stable order.
 *
 * @throws BAD_INPUT when the list or folder can't be read, is empty or too long; CANCELLED
 */
export async function listItems(spec: BulkCollectionSpec, listing: Listing): Promise<Item[]> {
  const items = new Map<string, Item>();
  for await (const item of itemsOf(spec, listing)) {
    throwIfAborted(listing.signal);
    if (!items.has(item.identity)) items.set(item.identity, item);
    if (items.size > MOST_ITEMS) {
      throw badInput(`There are more than ${MOST_ITEMS} items: make several lists of them.`, 'spec.source');
    }
  }
  if (items.size === 0) throw badInput('There is nothing to collect: the list or folder is empty.', 'spec.source');
  return [...items.values()];
}

function itemsOf(spec: BulkCollectionSpec, listing: Listing): AsyncIterable<Item> {
  switch (spec.source?.$case) {
    case 'folder':
      return folderItems(spec.source.value, spec, listing);
    case 'urlList':
      return urlItems(spec.source.value, spec, listing);
    case 'bucketPrefix':
      return bucketItems(spec.source.value, spec, listing);
    case 'datasetCsv':
      return csvItems(spec, listing);
    case undefined:
      throw badInput('The spec names no source.', 'spec.source');
  }
}

/** Files below a folder, in the order of their paths; hidden ones are left out, links to folders aren't followed. */
async function* folderItems(path: string, spec: BulkCollectionSpec, { folder, signal }: Listing): AsyncGenerator<Item> {
  const root = folder();
  const top = join(root, normalize(path));
  const [realRoot, realTop] = await Promise.all([realpath(root), realpath(top)]).catch((error: unknown) => {
    throw badInput(
      `The folder ${JSON.stringify(path)} can't be opened in the collector's folder.`,
      'spec.folder',
      error,
    );
  });
  if (realTop !== realRoot && !realTop.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw badInput(`${JSON.stringify(path)} leads out of the collector's folder.`, 'spec.folder');
  }
  yield* below(top);

  async function* below(at: string): AsyncGenerator<Item> {
    throwIfAborted(signal);
    const entries = await readdir(at, { withFileTypes: true }).catch((error: unknown) => {
      throw badInput(`The folder ${JSON.stringify(relative(root, at))} can't be read.`, 'spec.folder', error);
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const full = join(at, entry.name);
      if (entry.isDirectory()) {
        yield* below(full);
        continue;
      }
      const found = await stat(full).catch(() => undefined);
      // A link to a folder, or to nothing.
      if (!found || found.isDirectory()) continue;
      const name = relative(root, full);
      yield {
        name,
        label: spec.labelFromFolder ? basename(dirname(full)).slice(0, 200) : spec.label,
        sourceId: '',
        datasetSplit: '',
        source: { $case: 'file', value: name },
        identity: identityOfFile(name, found.size, found.mtimeMs),
        host: '',
      };
    }
  }
}

async function* urlItems(list: ObjectRef, { label }: BulkCollectionSpec, listing: Listing): AsyncGenerator<Item> {
  for await (const line of linesOf(list, listing.store)) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const about = { name: text.slice(0, 500), label, sourceId: '', datasetSplit: '' };
    try {
      const { href, host } = readUrl(text);
      yield { ...about, source: { $case: 'url', value: href }, identity: identityOfUrl(href), host };
    } catch (error) {
      // A password in an address isn't written down.
      const name = about.name.replace(/\/\/[^/@]*@/, '//…@');
      yield { ...about, name, identity: `line:${text}`, host: '', refusal: refusalOf(error) };
    }
  }
}

const PAGE = 1000;

async function* bucketItems(prefix: string, { label }: BulkCollectionSpec, { store }: Listing): AsyncGenerator<Item> {
  for (let after = ''; ;) {
    const page = await store.list(prefix, { limit: PAGE, ...(after ? { after } : {}) });
    for (const { key, sha256, sizeBytes, mediaType } of page) {
      after = key;
      yield {
        name: key,
        label,
        sourceId: '',
        datasetSplit: '',
        source: { $case: 'upload', value: { key, sha256, sizeBytes: BigInt(sizeBytes), mediaType } },
        identity: identityOfObject({ key, sha256 }),
        host: '',
      };
    }
    if (page.length < PAGE) return;
  }
}

async function* csvItems(spec: BulkCollectionSpec, { store }: Listing): AsyncGenerator<Item> {
  if (spec.source?.$case !== 'datasetCsv') return;
  const list = spec.source.value;
  if (!list.csv) throw badInput('spec.dataset_csv.csv is missing: upload the list first.', 'spec.dataset_csv.csv');
  const lines: string[] = [];
  for await (const line of linesOf(list.csv, store)) lines.push(line);
  yield* datasetItems(lines, list);
}

async function* linesOf({ key }: ObjectRef, store: ObjectStore): AsyncGenerator<string> {
  const content = await store.get(key).catch((error: unknown) => {
    if (SoundstageError.from(error).reason !== 'NOT_FOUND') throw error;
    throw badInput(`There is no object ${JSON.stringify(key)} in the store.`, 'spec.source', error);
  });
  let first = true;
  for await (const line of createInterface({ input: content, crlfDelay: Infinity })) {
    if (line.length > LONGEST_LINE || line.includes('\0')) {
      throw badInput(`The list isn't a text with lines of at most ${LONGEST_LINE} letters.`, 'spec.source');
    }
    yield first ? line.replace(/^\uFEFF/, '') : line;
    first = false;
  }
}
