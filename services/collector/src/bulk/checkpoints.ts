import { text } from 'node:stream/consumers';
import { SoundstageError, type ObjectStore } from '@soundstage/core';
import type { Item } from './items.js';
import type { ReportLine } from './outcome.js';

/*
 * What a bulk collection remembers, so that a killed one goes on where it was:
 *
 *     <prefix>/items.jsonl           the list as it was found at first; a folder may change meanwhile
 *     <prefix>/ended/<number>.jsonl  [index, line of the report] of items that have ended, some in each
 */

export interface Checkpoints {
  /** Lines of the items that had ended before, by index. */
  ended: Map<number, ReportLine>;
  /** Notes how an item ended; written with others, at the latest some seconds later. */
  note(index: number, line: ReportLine): Promise<void>;
  /** Writes what isn't written yet. */
  flush(): Promise<void>;
}

const MOST_UNWRITTEN = 200;
const LATEST_MS = 3000;

/** The list of an earlier attempt, or the one that `list` gives, written down. */
export async function fixItems(store: ObjectStore, prefix: string, list: () => Promise<Item[]>): Promise<Item[]> {
  const key = `${prefix}/items.jsonl`;
  const read = async () => jsonLines<Item>(await text(await store.get(key))).map(reviveItem);
  if (await store.stat(key)) return read();
  const items = await list();
  const lines = Buffer.from(items.map((item) => `${JSON.stringify(item, plainNumbers)}\n`).join(''));
  try {
    await store.put(key, lines, { ifVersion: 'absent', mediaType: 'application/x-ndjson' });
    return items;
  } catch (error) {
    if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
    return read();
  }
}

/** `size_bytes` of a reference is a bigint, which JSON has not. */
const plainNumbers = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);

function reviveItem(item: Item): Item {
  if (item.source?.$case !== 'upload') return item;
  const { value } = item.source;
  return { ...item, source: { $case: 'upload', value: { ...value, sizeBytes: BigInt(value.sizeBytes) } } };
}

export async function openCheckpoints(store: ObjectStore, prefix: string): Promise<Checkpoints> {
  const ended = new Map<number, ReportLine>();
  let written = 0;
  for (let after = ''; ;) {
    const page = await store.list(`${prefix}/ended/`, after ? { after } : {});
    for (const { key } of page) {
      after = key;
      written = Number(/(\d+)\.jsonl$/.exec(key)?.[1] ?? 0) + 1;
      for (const [index, line] of jsonLines<[number, ReportLine]>(await text(await store.get(key)))) {
        ended.set(index, line);
      }
    }
    if (page.length === 0) break;
  }
  let unwritten: [number, ReportLine][] = [];
  let lastMs = Date.now();
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const lines = unwritten;
    if (lines.length === 0) return;
    unwritten = [];
    lastMs = Date.now();
    const key = `${prefix}/ended/${String(written++).padStart(8, '0')}.jsonl`;
    const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    // No precondition: who holds the lease has the say, and the same item ends the same way for everybody.
    await store.put(key, Buffer.from(body), { mediaType: 'application/x-ndjson' });
  }
  const flush = () => (writing = writing.then(write));

  return {
    ended,
    flush,
    async note(index, line) {
      ended.set(index, line);
      unwritten.push([index, line]);
      if (unwritten.length >= MOST_UNWRITTEN || Date.now() - lastMs > LATEST_MS) await flush();
    },
  };
}

function jsonLines<T>(content: string): T[] {
  return content
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
