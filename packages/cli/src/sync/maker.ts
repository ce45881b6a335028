import { serverOf } from '../connect/addresses.js';
import { openSyncHere } from './open-here.js';
import { openSyncThere } from './open-there.js';
import type { SyncMaker } from './sync-maker.js';

/**
 * Opens it where the options or SOUNDSTAGE_SERVER say.
 *
 * @throws NOT_FOUND where it has no models; UNAVAILABLE where nobody answers
 */
export async function openSyncMaker(options: { server?: string | undefined }): Promise<SyncMaker> {
  const server = serverOf(options);
  return server === undefined ? openSyncHere() : openSyncThere(server);
}
