import { integer, readConfig } from '@soundstage/core';

/** Reads the environment of the preprocessor. @throws BAD_INPUT with every problem listed */
export function readPreprocessorConfig(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(
    {
      /** Largest clip that is cut, bytes. */
      SOUNDSTAGE_CLIP_BYTES: integer(1, 2 ** 43).default(8 * 2 ** 30),
    },
    env,
  );
}

export type PreprocessorConfig = ReturnType<typeof readPreprocessorConfig>;
