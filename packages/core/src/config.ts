import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { authConfig } from './auth/config.js';
import { SoundstageError } from './errors.js';

/**
 * Reads configuration from the environment, once, at start.
 *
 * @param shape a zod schema for each variable, by its full name
 * @throws BAD_INPUT that lists every problem at once
 */
export function readConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: NodeJS.ProcessEnv = process.env,
): z.infer<z.ZodObject<Shape>> {
  // An empty variable means the default, as in most shells and charts.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = z.object(shape).safeParse(given);
  if (parsed.success) return parsed.data;
  const violations = parsed.error.issues.map((issue) => ({
    field: issue.path.join('.'),
    description: issue.message,
  }));
  throw new SoundstageError(
    'BAD_INPUT',
    `The configuration is wrong: ${violations.map((v) => `${v.field}: ${v.description}`).join('; ')}.`,
    { violations },
  );
}

/** A whole number from the environment, with limits. */
export const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** What every service needs to know. */
export const commonConfig = {
  /** Where the local queue, store, runs and scratch files lie. */
  SOUNDSTAGE_HOME: z
    .string()
    .default(join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'soundstage')),
  /** Address of the gRPC server. */
  SOUNDSTAGE_LISTEN: z.string().default('127.0.0.1:7400'),
  ...authConfig,
  /** Port of /metrics, /healthz and /readyz; 0 takes a free one, -1 opens none. */
  SOUNDSTAGE_METRICS_PORT: integer(-1, 65535).default(-1),
  SOUNDSTAGE_METRICS_HOST: z.string().default('127.0.0.1'),
  /**
   * A `front` answers calls and leaves the work to other processes: it is there at once where those are started only
   * for work that waits.
   */
  SOUNDSTAGE_ROLE: z.enum(['all', 'front']).default('all'),
  /** How many pieces of work a service does at a time. */
  SOUNDSTAGE_CONCURRENCY: integer(1, 256).default(1),
  /** How long a killed service's work waits until another takes it up, seconds. */
  SOUNDSTAGE_LEASE_S: z.coerce.number().min(1).max(600).default(15),
  /** How long work that is running may go on after SIGTERM, seconds. */
  SOUNDSTAGE_DRAIN_S: z.coerce.number().min(0).max(3600).default(10),
  /** Longest time for one piece of work, seconds. */
  SOUNDSTAGE_WORK_TIMEOUT_S: z.coerce.number().min(1).max(86_400).default(3600),
  /** Largest upload, bytes. */
  SOUNDSTAGE_UPLOAD_LIMIT: integer(1, 2 ** 43).default(8 * 2 ** 30),
  SOUNDSTAGE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Where spans go, OTLP over HTTP; none are sent without it. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
};

export type CommonConfig = z.infer<z.ZodObject<typeof commonConfig>>;
