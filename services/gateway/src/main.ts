import { createLogger, exitCode, flushTracing, SoundstageError, startTracing } from '@soundstage/core';
import { readGatewayConfig } from './config.js';
import { startGateway } from './server.js';

try {
  const config = readGatewayConfig();
  const log = createLogger({ service: 'gateway', level: config.logLevel });
  startTracing({ service: 'gateway', otlpEndpoint: config.otlpEndpoint });
  const gateway = await startGateway({ ...config, log });
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  // A second signal ends the process at once: nothing here needs saving.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(130));
  await gateway.close();
  await flushTracing();
  process.exit(0);
} catch (thrown) {
  const error = SoundstageError.from(thrown);
  process.stderr.write(`gateway: ${error.message}\n`);
  if (error.reason === 'INTERNAL') process.stderr.write(`${error.stack ?? ''}\n`);
  process.exit(exitCode(error));
}
