import { createLogger, runProcess, startTracing } from '@soundstage/core';
import { readGatewayConfig } from './config.js';
import { startGateway } from './server.js';

/** Uploads and downloads in flight get this long to end. */
const STOP_LIMIT_MS = 15_000;

await runProcess('gateway', async () => {
  const config = readGatewayConfig();
  const log = createLogger({ service: 'gateway', level: config.logLevel });
  startTracing({ service: 'gateway', otlpEndpoint: config.otlpEndpoint });
  const gateway = await startGateway({ ...config, log });
  return { stop: () => gateway.close(), stopLimitMs: STOP_LIMIT_MS };
});
