import { integer, readConfig } from '@soundstage/core';

/** Reads the environment of the splitter. @throws BAD_INPUT with every problem listed */
export function readSplitterConfig(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(
    {
      /** Most clips in one split; a request of more is refused. A gRPC message of 2 MiB holds about 8,000. */
      SOUNDSTAGE_SPLIT_CLIPS: integer(1, 100_000).default(20_000),
    },
    env,
  );
}

export type SplitterConfig = ReturnType<typeof readSplitterConfig>;
