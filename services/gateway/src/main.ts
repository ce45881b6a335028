import { createLogger, flushTracing, startTracing, untilSignalled } from '@soundstage/core';
import { readGatewayConfig } from './config.js';
import { startGateway } from './server.js';

const config = readGatewayConfig();
const log = createLogger({ service: 'gateway', level: config.SOUNDSTAGE_LOG_LEVEL });
startTracing({ service: 'gateway', otlpEndpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT });
const gateway = await startGateway({
  inferenceAddress: config.SOUNDSTAGE_INFERENCE,
  listen: config.SOUNDSTAGE_HTTP_LISTEN,
  uploadLimitBytes: config.SOUNDSTAGE_HTTP_UPLOAD_LIMIT,
  uploadIdleMs: config.SOUNDSTAGE_HTTP_IDLE_S * 1000,
  log,
});
log.info({ url: gateway.url, inference: config.SOUNDSTAGE_INFERENCE }, 'serving');
await untilSignalled(() => gateway.close(), { limitMs: 15_000 });
await flushTracing();
process.exit(0);
