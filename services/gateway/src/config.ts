import { commonConfig, integer, readConfig } from '@soundstage/core';
import { z } from 'zod';

/** What the gateway reads from the environment. */
export const gatewayConfig = {
  SOUNDSTAGE_LOG_LEVEL: commonConfig.SOUNDSTAGE_LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: commonConfig.OTEL_EXPORTER_OTLP_ENDPOINT,
  /** Address of the HTTP server; port 0 takes a free one. */
  SOUNDSTAGE_HTTP_LISTEN: z
    .string()
    .regex(/^.+:\d{1,5}$/, 'must be host:port')
    .default('127.0.0.1:8080'),
  /** gRPC address of the inference service. */
  SOUNDSTAGE_INFERENCE: z.string().default('127.0.0.1:7400'),
  /** Largest video that is taken, bytes. */
  SOUNDSTAGE_HTTP_UPLOAD_LIMIT: integer(1, 2 ** 43).default(2 * 2 ** 30),
  /** How long an upload may stand still before it is given up, seconds. */
  SOUNDSTAGE_HTTP_IDLE_S: z.coerce.number().min(1).max(3600).default(60),
};

export type GatewayConfig = z.infer<z.ZodObject<typeof gatewayConfig>>;

/** @throws BAD_INPUT that lists every problem */
export function readGatewayConfig(env: NodeJS.ProcessEnv = process.env): GatewayConfig {
  return readConfig(gatewayConfig, env);
}
