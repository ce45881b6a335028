import { badInput } from '@soundstage/core';
import { runBatch } from '../../batch/batch.js';
import { openPlaces } from '../../batch/open-places.js';
import { openFoleyMaker } from '../maker.js';
import { refuseContradictions, type FoleyOptions } from '../options.js';
import { foleyJob } from './foley-job.js';

/**
 * Makes soundtracks for all videos and images below a folder, or a prefix of a bucket. Gives the exit code.
 *
 * Throws SoundstageError as runBatch() does.
 */
export async function foleyBatch(input: string, options: FoleyOptions): Promise<0 | 2 | 3> {
  refuseContradictions(options);
  if (options.cues !== undefined)
    throw badInput('A cue sheet belongs to one video: give that video alone, or leave --cues out.', 'cues');
  const places = await openPlaces(input, options.output, 'foley');
  return runBatch(foleyJob(options, openFoleyMaker), places, options);
}
