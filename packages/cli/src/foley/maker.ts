import type { Foley } from '@soundstage/inference';
import { serverOf } from '../connect/addresses.js';
import { openFoleyHere } from './open-here.js';
import { openFoleyThere } from './open-there.js';
import type { FoleyOptions } from './options.js';

/** The foley job, done in this process or by a service. */
export interface FoleyMaker extends Pick<Foley, 'run' | 'versionOf' | 'close'> {
  /** Checks what concerns all inputs: engine, sound, muted. @throws BAD_INPUT, NOT_FOUND */
  check(options: FoleyOptions): Promise<void>;
}

/** Opens it where the options or SOUNDSTAGE_SERVER say. @throws UNAVAILABLE where nobody answers */
export async function openFoleyMaker(options: FoleyOptions): Promise<FoleyMaker> {
  const server = serverOf(options);
  if (server !== undefined) return openFoleyThere(server);
  const foley = await openFoleyHere(options.engine);
  return {
    ...foley,
    async check({ engine, sound, mute }) {
      foley.versionOf(engine);
      if (sound !== undefined) foley.findSound(sound);
      if (mute !== undefined) foley.findMuted(mute);
    },
  };
}
