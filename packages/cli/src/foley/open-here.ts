import { openFoley, type Engine, type Foley } from '@soundstage/inference';
import { MODEL_LOG, promotedModels } from '../promoted-models.js';

/**
 * Opens the models of one engine: those that were promoted in SOUNDSTAGE_HOME go before those that ship, as in the
 * service. What can't be taken is told on stderr.
 *
 * Throws SoundstageError as openFoley() does.
 */
export async function openFoleyHere(engine: Engine = 'palette'): Promise<Foley> {
  return openFoley({ engines: [engine], promoted: promotedModels(), log: MODEL_LOG });
}
