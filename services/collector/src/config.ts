import { z } from 'zod';
import { integer, readConfig } from '@soundstage/core';

/** Reads the environment of the collector. @throws BAD_INPUT with every problem listed */
export function readCollectorConfig(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(
    {
      /** The folder that files are taken from by name; without it only uploads are taken. */
      SOUNDSTAGE_COLLECT_DIR: z.string().optional(),
      /** Largest clip, bytes. */
      SOUNDSTAGE_CLIP_BYTES: integer(1, 2 ** 43).default(8 * 2 ** 30),
      /** Longest clip, seconds. */
      SOUNDSTAGE_CLIP_SECONDS: z.coerce
        .number()
        .min(1)
        .max(86_400)
        .default(4 * 3600),
    },
    env,
  );
}

export type CollectorConfig = ReturnType<typeof readCollectorConfig>;
