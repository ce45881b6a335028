import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { integer, readConfig } from '@soundstage/core';

/** Reads the environment of the preprocessor. @throws BAD_INPUT with every problem listed */
export function readPreprocessorConfig(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(
    {
      /** Largest clip that is cut, bytes. */
      SOUNDSTAGE_CLIP_BYTES: integer(1, 2 ** 43).default(8 * 2 ** 30),
      /** Folder of `<name>/<version>/{model.onnx, card.json}`. */
      SOUNDSTAGE_MODELS_DIR: z.string().default(fileURLToPath(new URL('../../../models', import.meta.url))),
      /** Threads of one model. */
      SOUNDSTAGE_MODEL_THREADS: integer(1, 64).default(Math.max(1, Math.min(4, Math.ceil(availableParallelism() / 2)))),
      SOUNDSTAGE_EXECUTION_PROVIDER: z.enum(['cpu', 'cuda']).default('cpu'),
    },
    env,
  );
}

export type PreprocessorConfig = ReturnType<typeof readPreprocessorConfig>;
