import { serverOf } from '../connect/addresses.js';
import type { FoleyMaker } from './foley-maker.js';
import { openFoleyHere } from './open-here.js';
import { openFoleyThere } from './open-there.js';
import type { FoleyOptions } from './options.js';

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
