import { integer, readConfig } from '@soundstage/core';
import { MOST_PAGE_SAMPLES } from './check-spec.js';

/** Reads the environment of the splitter. @throws BAD_INPUT with every problem listed */
export function readSplitterConfig(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(
    {
      /**
       * Most clips in one split, and most rejected ones; a request of more is refused. A gRPC message of 2 MiB holds
       * about 8,000 clips without outputs; more go into `clip_list`.
       */
      SOUNDSTAGE_SPLIT_CLIPS: integer(1, 100_000).default(20_000),
      /** Clips that a dataset's page shows with pictures and waveform, unless the request says otherwise. */
      SOUNDSTAGE_SPLIT_PAGE_CLIPS: integer(0, MOST_PAGE_SAMPLES).default(120),
      /** Largest file that is read for the page, bytes. */
      SOUNDSTAGE_SPLIT_PREVIEW_BYTES: integer(1, 2 ** 40).default(256 * 2 ** 20),
    },
    env,
  );
}

export type SplitterConfig = ReturnType<typeof readSplitterConfig>;
