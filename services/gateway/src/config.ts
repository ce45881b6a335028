import { randomBytes } from 'node:crypto';
import {
  authConfig,
  commonConfig,
  integer,
  readClientSecurity,
  readConfig,
  type AuthConfig,
  type ClientSecurity,
} from '@soundstage/core';
import { z } from 'zod';

const environment = {
  ...authConfig,
  SOUNDSTAGE_LOG_LEVEL: commonConfig.SOUNDSTAGE_LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: commonConfig.OTEL_EXPORTER_OTLP_ENDPOINT,
  /** Where the page and the HTTP API are; port 0 takes a free one. */
  SOUNDSTAGE_GATEWAY_HOST: z.string().default('127.0.0.1'),
  SOUNDSTAGE_GATEWAY_PORT: integer(0, 65_535).default(7480),
  /** Further names that the page is reached by on a loopback address, behind a proxy for example; comma-separated. */
  SOUNDSTAGE_GATEWAY_NAMES: z.string().default(''),
  /**
   * Proxies whose word counts on where a request comes from and whether it came over TLS (X-Forwarded-For and -Proto):
   * addresses or networks, comma-separated, or how many there are one behind another.
   */
  SOUNDSTAGE_GATEWAY_PROXIES: z.string().default(''),
  /** gRPC address of the inference service. */
  SOUNDSTAGE_INFERENCE: z.string().default('127.0.0.1:7400'),
  /** Largest video that is taken, bytes. */
  SOUNDSTAGE_GATEWAY_UPLOAD_LIMIT: integer(1, 2 ** 43).default(2 * 2 ** 30),
  /** Signs addresses of results. Default: a random one, with which they end when the process does. */
  SOUNDSTAGE_RESULT_SECRET: z.string().min(32, 'give at least 32 characters, of `openssl rand -hex 32`').optional(),
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
  /** Who may come in, and the server's certificate. */
  access: AuthConfig;
  /** How the inference service is reached. */
  upstream: ClientSecurity;
  /** Proxies that are believed; false: none. */
  proxies: string[] | number | false;
  /** 0 takes a free one. */
  port: number;
  /** Largest upload, bytes. */
  uploadLimitBytes: number;
  /** Signs addresses of results. */
  resultSecret: string;
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
    access: read,
    upstream: readClientSecurity(env),
    proxies: readProxies(read.SOUNDSTAGE_GATEWAY_PROXIES),
    port: read.SOUNDSTAGE_GATEWAY_PORT,
    uploadLimitBytes: read.SOUNDSTAGE_GATEWAY_UPLOAD_LIMIT,
    resultSecret: read.SOUNDSTAGE_RESULT_SECRET ?? randomBytes(32).toString('hex'),
    uploadIdleMs: read.SOUNDSTAGE_GATEWAY_IDLE_S * 1000,
    logLevel: read.SOUNDSTAGE_LOG_LEVEL,
    otlpEndpoint: read.OTEL_EXPORTER_OTLP_ENDPOINT,
  };
}

function readProxies(text: string): string[] | number | false {
  if (/^\d+$/.test(text)) return Number(text) || false;
  const listed = text
    .split(',')
    .map((proxy) => proxy.trim())
    .filter(Boolean);
  return listed.length > 0 ? listed : false;
}
