import { isBucketAddress } from '@soundstage/adapters';
import { badInput } from '@soundstage/core';
import { runBatch } from '../../batch/batch.js';
import { openPlaces, openSource } from '../../batch/open-places.js';
import { openSyncMaker } from '../maker.js';
import { refuseForFolder, type SyncOptions } from '../options.js';
import { figuresTarget } from './figures-target.js';
import { SYNC_CSV, syncJob } from './sync-job.js';

/**
 * Measures all films below a folder, or a prefix of a bucket, and repairs them where the options name a place for
 * results. Gives the exit code.
 *
 * Throws SoundstageError as runBatch() does.
 */
export async function syncBatch(input: string, options: SyncOptions): Promise<0 | 2 | 3> {
  refuseForFolder(options);
  const { output, csv } = options;
  if (csv !== undefined && isBucketAddress(csv))
    throw badInput('--csv writes a file of this machine: give it a path.', 'csv');
  const places =
    output === undefined
      ? { source: await openSource(input), target: await figuresTarget(SYNC_CSV, options) }
      : await openPlaces(input, output, 'sync');
  return runBatch(syncJob(options, places.target, openSyncMaker), places, options);
}
