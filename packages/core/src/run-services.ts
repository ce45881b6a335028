import { setTimeout as sleep } from 'node:timers/promises';
import { commonConfig, readConfig } from './config.js';
import { exitCode, SoundstageError } from './errors.js';
import { createPlatform, type Adapters } from './platform.js';
import { startServices, type CreateService, type RunningServices } from './service.js';
import { createLogger, type Logger } from './telemetry/log.js';
import { flushTracing, startTracing } from './telemetry/trace.js';

/** Something that is started beside the services and stopped before them: the gateway. */
export type StartBeside = (services: RunningServices, log: Logger) => Promise<{ close(): Promise<void> }>;

/** What a server process has started, and how to stop it. */
export interface Started {
  stop(): Promise<void>;
  /** A stop that takes longer is given up: everything is safe to be killed. */
  stopLimitMs: number;
}

/**
 * The life of a server process: starts, waits for SIGTERM or SIGINT, stops and exits; a second signal ends it at once.
 * What can't start says so in one sentence on stderr; the exit code tells bad configuration (2) from trouble that may
 * pass (3).
 */
export async function runProcess(name: string, start: () => Promise<Started>): Promise<never> {
  try {
    const { stop, stopLimitMs } = await start();
    const signals: NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];
    await new Promise<void>((resolve) => {
      for (const signal of signals) process.once(signal, () => resolve());
    });
    for (const signal of signals) process.once(signal, () => process.exit(130));
    await Promise.race([stop().then(flushTracing), sleep(stopLimitMs, undefined, { ref: false })]);
    process.exit(0);
  } catch (thrown) {
    const error = SoundstageError.from(thrown);
    process.stderr.write(`${name}: ${error.message}\n`);
    if (error.reason === 'INTERNAL') process.stderr.write(`${error.stack ?? ''}\n`);
    process.exit(exitCode(error));
  }
}

/** Runs services as a process: reads the configuration, starts them, and drains them when it is told to stop. */
export function runServices(
  name: string,
  connect: (home: string) => Adapters | Promise<Adapters>,
  creators: readonly CreateService[],
  beside?: StartBeside,
): Promise<never> {
  return runProcess(name, async () => {
    const config = readConfig(commonConfig);
    const log = createLogger({ service: name, level: config.SOUNDSTAGE_LOG_LEVEL });
    startTracing({ service: name, otlpEndpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT });
    const platform = createPlatform(await connect(config.SOUNDSTAGE_HOME), config, log);
    const services = await startServices(platform, creators);
    const companion = await beside?.(services, log);
    return {
      async stop() {
        await companion?.close();
        await services.drain();
      },
      stopLimitMs: config.SOUNDSTAGE_DRAIN_S * 1000 + 5000,
    };
  });
}
