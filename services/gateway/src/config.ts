import { commonConfig, integer, readConfig } from '@soundstage/core';
import { z } from 'zod';

const environment = {
  SOUNDSTAGE_LOG_LEVEL: commonConfig.SOUNDSTAGE_LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: commonConfig.OTEL_EXPORTER_OTLP_ENDPOINT,
  /** Where the page and the HTTP API are; port 0 takes a free one. */
  SOUNDSTAGE_GATEWAY_HOST: z.string().default('127.0.0.1'),
  SOUNDSTAGE_GATEWAY_PORT: integer(0, 65_535).default(7480),
  /** Further names that the page is reached by on a loopback address, behind a proxy for example; comma-separated. */
  SOUNDSTAGE_GATEWAY_NAMES: z.string().default(''),
  /** gRPC address of the inference service. */
  SOUNDSTAGE_INFERENCE: z.string().default('127.0.0.1:7400'),
  /** Largest video that is taken, bytes. */
  SOUNDSTAGE_GATEWAY_UPLOAD_LIMIT: integer(1, 2 ** 43).default(2 * 2 ** 30),
  /** How long an upload may stand still before it is given up, seconds. */
  SOUNDSTAGE_GATEWAY_IDLE_S: z.coerce.number().min(1).max(3600).default(60),
};

/** What the gateway needs to know. */
export interface GatewayConfig {
  /** gRPC address of the inference service, `host:port`. */
  inferenceAddress: string;
  host: string;
  /** Further names that the server answers to when `host` is a loopback address. */
  names: string[];
  /** 0 takes a free one. */
  port: number;
  /** Largest upload, bytes. */
  uploadLimitBytes: number;
  /** How long an upload may stand still, ms. */
  uploadIdleMs: number;
  logLevel: string;
  otlpEndpoint: string | undefined;
}

/** Reads the environment. @throws BAD_INPUT that lists every problem */
export function readGatewayConfig(env: NodeJS.ProcessEnv = process.env): GatewayConfig {
  const read = readConfig(environment, env);
  return {
    inferenceAddress: read.SOUNDSTAGE_INFERENCE,
    host: read.SOUNDSTAGE_GATEWAY_HOST,
    names: read.SOUNDSTAGE_GATEWAY_NAMES.toLowerCase()
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
    port: read.SOUNDSTAGE_GATEWAY_PORT,
    uploadLimitBytes: read.SOUNDSTAGE_GATEWAY_UPLOAD_LIMIT,
    uploadIdleMs: read.SOUNDSTAGE_GATEWAY_IDLE_S * 1000,
    logLevel: read.SOUNDSTAGE_LOG_LEVEL,
    otlpEndpoint: read.OTEL_EXPORTER_OTLP_ENDPOINT,
  };
}
