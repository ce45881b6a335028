import type { Foley } from '@soundstage/inference';
import type { FoleyOptions } from './options.js';

/** The foley job, done in this process or by a service. */
export interface FoleyMaker extends Pick<Foley, 'run' | 'versionOf' | 'close'> {
  /** Checks what concerns all inputs: engine, sound, muted. @throws BAD_INPUT, NOT_FOUND */
  check(options: FoleyOptions): Promise<void>;
}
