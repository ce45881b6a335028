import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { integer, readConfig } from '@soundstage/core';

/** Reads the environment of the feature extractor. @throws BAD_INPUT with every problem listed */
export function readFeatureExtractorConfig(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(
    {
      /** Folder of `<name>/<version>/{model.onnx, card.json}`. */
      SOUNDSTAGE_MODELS_DIR: z.string().default(fileURLToPath(new URL('../../../models', import.meta.url))),
      /** Threads of one model. */
      SOUNDSTAGE_MODEL_THREADS: integer(1, 64).default(Math.max(1, Math.min(4, Math.ceil(availableParallelism() / 2)))),
      SOUNDSTAGE_EXECUTION_PROVIDER: z.enum(['cpu', 'cuda']).default('cpu'),
      /** Largest array of one feature of one clip, bytes. Dense flow takes 12 MB for each second at 25 frames/s. */
      SOUNDSTAGE_FEATURE_BYTES: integer(1, 2 ** 40).default(4 * 2 ** 30),
    },
    env,
  );
}

export type FeatureExtractorConfig = ReturnType<typeof readFeatureExtractorConfig>;
