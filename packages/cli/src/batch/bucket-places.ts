import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { openBucket, readBucketAddress, type BucketObject, type BucketPlace } from '@soundstage/adapters';
import { badInput } from '@soundstage/core';
import { mediaTypeByName } from '../collect/local-files.js';
import { lockBucket } from './bucket-lock.js';
import { BATCH_FOLDER, byName, kindOf, type FoundInputs } from './find-inputs.js';
import type { BatchSource, BatchTarget } from './places.js';

const addressOf = ({ bucket, prefix }: BucketPlace, name = '') => `gs://${bucket}/${prefix}${name}`;

const LONGEST_PART_BYTES = 255;

/** The files below a prefix of a bucket that a job takes, each fetched when it is its turn. @throws BAD_INPUT */
export async function bucketSource(address: string): Promise<BatchSource> {
  const place = readBucketAddress(address);
  const bucket = await openBucket(place.bucket);
  const objects = new Map<string, BucketObject>();
  return {
    address: addressOf(place),
    async find(target, wanted) {
      const found: FoundInputs = { inputs: [], others: 0, ours: 0 };
      const all: BucketObject[] = [];
      const output = target.addressOf('');
      const isWithin = output.startsWith(addressOf(place));
      for await (const object of bucket.list(place.prefix))
        if (!isWithin || !`gs://${place.bucket}/${object.name}`.startsWith(output)) all.push(object);
      const ours = foldersOfBatches(all, place.prefix);
      for (const object of all) {
        const name = object.name.slice(place.prefix.length);
        const parts = name.split('/');
        // Marks of folders, and what a folder would hide.
        if (name === '' || name.endsWith('/') || parts.some((part) => part.startsWith('.'))) continue;
        const kind = kindOf(name, wanted);
        const isOurs = parts.some((_, depth) => depth > 0 && ours.has(`${parts.slice(0, depth).join('/')}/`));
        if (isOurs || wanted.result.test(name)) found.ours++;
        else if (kind === undefined) found.others++;
        else {
          const path = addressOf(place, name);
          const { sizeBytes: bytes, modifiedAt } = object;
          const problem = problemOf(parts);
          found.inputs.push({ path, name, kind, bytes, modifiedMs: modifiedAt.getTime(), ...(problem && { problem }) });
          objects.set(name, object);
        }
      }
      found.inputs.sort(byName);
      return found;
    },
    async take(input, signal) {
      const folder = await mkdtemp(join(tmpdir(), 'soundstage-input-'));
      const release = () => rm(folder, { recursive: true, force: true });
      const path = join(folder, basename(input.name));
      try {
        await bucket.download(objects.get(input.name)!, path, signal);
      } catch (error) {
        await release();
        throw error;
      }
      return { path, release };
    },
  };
}

/** Below these a batch has written: whatever lies there is a result. The whole source itself is none of them. */
function foldersOfBatches(objects: readonly BucketObject[], prefix: string): Set<string> {
  const mark = `/${BATCH_FOLDER}/`;
  const folders = new Set<string>();
  for (const { name } of objects) {
    const at = name.indexOf(mark, prefix.length);
    if (at >= 0) folders.add(name.slice(prefix.length, at + 1));
  }
  return folders;
}

function problemOf(parts: readonly string[]): string | undefined {
  if (parts.every((part) => part !== '' && !part.includes('\0') && Buffer.byteLength(part) <= LONGEST_PART_BYTES))
    return undefined;
  return 'Its name can’t be that of a file: a part of it is empty or longer than 255 bytes. Rename it.';
}

/** A prefix of a bucket for results. They are made in a folder of this machine. @throws BAD_INPUT */
export async function bucketTarget(address: string): Promise<BatchTarget> {
  const place = readBucketAddress(address);
  const bucket = await openBucket(place.bucket);
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-batch-'));
  const keyOf = (file: string) => place.prefix + file;
  const keepFile = async (file: string, path: string, signal?: AbortSignal) => {
    const key = keyOf(file);
    // Over what was seen, or where nothing was: never over what came meanwhile.
    const ifGeneration = (await bucket.stat(key))?.generation ?? '0';
    await bucket.put(key, { path }, { mediaType: resultType(file), ifGeneration, signal });
  };
  return {
    address: addressOf(place),
    folder,
    isNear: false,
    addressOf: (file) => addressOf(place, file),
    async there(files) {
      const found = await Promise.all(files.map((file) => bucket.stat(keyOf(file))));
      return files.filter((_, index) => found[index] !== undefined);
    },
    async keep(files, signal) {
      for (const file of files) await keepFile(file, join(folder, file), signal);
    },
    async clear(files) {
      for (const file of files) await rm(join(folder, file), { force: true });
    },
    read: async (file) => (await bucket.read(keyOf(file)))?.toString('utf8'),
    async write(file, text) {
      const path = join(folder, BATCH_FOLDER, 'writing', file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      await bucket.put(keyOf(file), { path }, { mediaType: resultType(file) });
      await rm(path);
    },
    remove: (file) => bucket.remove(keyOf(file)),
    async lock() {
      const lock = await lockBucket(bucket, keyOf(`${BATCH_FOLDER}/lock`), addressOf(place));
      return {
        lost: lock.lost,
        async release() {
          await lock.release();
          await rm(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

/** Results over or among the inputs would be inputs of the next run. @throws BAD_INPUT */
export function refuseSamePlace(input: string, output: string, job: string): void {
  const [one, other] = [readBucketAddress(input), readBucketAddress(output)].map((place) => addressOf(place));
  if (one === other)
    throw badInput(
      `The results can't go where the inputs lie: choose another place with -o, for example ${one}${job}/.`,
      'output',
    );
}

const TEXT_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.vtt': 'text/vtt; charset=utf-8',
};

const resultType = (file: string) => TEXT_TYPES[extname(file)] ?? mediaTypeByName(file);
