import { isBucketAddress } from '@soundstage/adapters';
import { badInput } from '@soundstage/core';
import { bucketSource, bucketTarget, refuseSamePlace } from './bucket-places.js';
import { checkedFolderTarget, folderSource } from './folder-places.js';
import type { BatchSource, BatchTarget } from './places.js';

/** Where the inputs of a batch lie, and where its results go. */
export interface BatchPlaces {
  source: BatchSource;
  target: BatchTarget;
}

/**
 * Opens what the command line says: each a folder, or gs://BUCKET/PREFIX.
 *
 * @param job what a folder for its results could be called
 * @throws BAD_INPUT where there is no place for results, or it is that of the inputs
 */
export async function openPlaces(input: string, output: string | undefined, job: string): Promise<BatchPlaces> {
  const fromBucket = isBucketAddress(input);
  if (output === undefined)
    throw badInput(`${input} is a ${fromBucket ? 'bucket' : 'folder'}: say with -o where the results go.`, 'output');
  if (fromBucket && isBucketAddress(output)) refuseSamePlace(input, output, job);
  const source = await openSource(input);
  const target = isBucketAddress(output) ? await bucketTarget(output) : await checkedFolderTarget(output, input, job);
  return { source, target };
}

/** The inputs alone. @throws BAD_INPUT */
export async function openSource(input: string): Promise<BatchSource> {
  return isBucketAddress(input) ? bucketSource(input) : folderSource(input);
}
