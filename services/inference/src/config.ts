import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { integer, readConfig } from '@soundstage/core';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Reads the environment of the inference service. @throws BAD_INPUT with every problem listed */
export function readInferenceConfig(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(
    {
      /** Folder of `<name>/<version>/{model.onnx, card.json}`. */
      SOUNDSTAGE_MODELS_DIR: z.string().default(fromHere('../../../models')),
      /** Folder of palette.json, classes.json and the recordings. */
      SOUNDSTAGE_PALETTE_DIR: z.string().default(fromHere('../palette')),
      /** Threads of one model. Several models run at the same time, so more than half of the cores rarely pays. */
      SOUNDSTAGE_MODEL_THREADS: integer(1, 64).default(Math.max(1, Math.min(4, Math.ceil(availableParallelism() / 2)))),
      SOUNDSTAGE_EXECUTION_PROVIDER: z.enum(['cpu', 'cuda']).default('cpu'),
      /** How often a service looks whether another version of a model was promoted, seconds. */
      SOUNDSTAGE_MODEL_POLL_S: z.coerce.number().min(0.05).max(3600).default(5),
    },
    env,
  );
}

export type InferenceConfig = ReturnType<typeof readInferenceConfig>;
