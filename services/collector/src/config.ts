import { lookup } from 'node:dns/promises';
import { z } from 'zod';
import { integer, readConfig } from '@soundstage/core';
import type { Reach } from './fetch/check-url.js';

const list = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535;

/** Reads the environment of the collector. @throws BAD_INPUT with every problem listed */
export function readCollectorConfig(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(
    {
      /** The folder that files are taken from by name; without it none are. */
      SOUNDSTAGE_COLLECT_DIR: z.string().optional(),
      /** Largest clip, bytes. */
      SOUNDSTAGE_CLIP_BYTES: integer(1, 2 ** 43).default(8 * 2 ** 30),
      /** Longest clip, seconds. */
      SOUNDSTAGE_CLIP_SECONDS: z.coerce
        .number()
        .min(1)
        .max(86_400)
        .default(4 * 3600),
      /** Clips that a process collects at a time: most of the time goes by in waiting for others. */
      SOUNDSTAGE_COLLECT_CONCURRENCY: integer(1, 64).default(4),
      /** Clips of one bulk collection that are on their way at a time, in all processes together. */
      SOUNDSTAGE_COLLECT_IN_FLIGHT: integer(1, 1000).default(32),
      /** The same for one host. */
      SOUNDSTAGE_COLLECT_PER_HOST: integer(1, 64).default(2),
      /** `host:port`, separated by commas: fetched from wherever it is, a mirror in one's own network for example. */
      SOUNDSTAGE_COLLECT_ALLOW: z
        .string()
        .default('')
        .transform(list)
        .refine(
          (entries) => entries.every((entry) => /^\S+:\d{1,5}$/.test(entry)),
          'give host:port, with commas between',
        ),
      /** Ports that are fetched from, separated by commas. */
      SOUNDSTAGE_COLLECT_PORTS: z
        .string()
        .default('80,443')
        .transform((text) => list(text).map(Number))
        .refine((ports) => ports.length > 0 && ports.every(isPort), 'give port numbers, with commas between'),
      /** Longest time for fetching or downloading one clip, seconds. */
      SOUNDSTAGE_FETCH_SECONDS: integer(1, 3600).default(1800),
      /** The yt-dlp program; default: the one on PATH. */
      SOUNDSTAGE_YT_DLP: z.string().optional(),
      /** A folder with a dataset's videos, downloaded already; then none is downloaded. */
      SOUNDSTAGE_DATASET_DIR: z.string().optional(),
    },
    env,
  );
}

export type CollectorConfig = ReturnType<typeof readCollectorConfig>;

/** What the fetcher may reach, by the configuration, with the machine's own resolver. */
export function reachOf(config: CollectorConfig): Reach {
  return {
    ports: config.SOUNDSTAGE_COLLECT_PORTS,
    allow: new Set(config.SOUNDSTAGE_COLLECT_ALLOW),
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  };
}
