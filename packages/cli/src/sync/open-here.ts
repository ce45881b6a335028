import { openSync } from '@soundstage/inference';
import { MODEL_LOG, promotedModels } from '../promoted-models.js';
import type { SyncMaker } from './sync-maker.js';

/**
 * Opens the models: those that were promoted in SOUNDSTAGE_HOME go before those that ship, as in the service. What can't
 * be taken is told on stderr.
 *
 * Throws SoundstageError NOT_FOUND where a model is missing, and what openSync() throws.
 */
export async function openSyncHere(): Promise<SyncMaker> {
  const sync = await openSync({ promoted: promotedModels(), log: MODEL_LOG });
  try {
    const held = sync.hold();
    return {
      version: held.version,
      run: held.run,
      async close() {
        held.release();
        await sync.close();
      },
    };
  } catch (error) {
    await sync.close();
    throw error;
  }
}
