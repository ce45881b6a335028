import type { Command } from 'commander';
import { badInput, type CreateService } from '@soundstage/core';

/** Each is loaded when it is asked for, so that the other commands start at once. */
const SERVICES: Readonly<Record<string, () => Promise<CreateService>>> = {
  collector: async () => (await import('@soundstage/collector')).createCollector,
  preprocessor: async () => (await import('@soundstage/preprocessor')).createPreprocessor,
  splitter: async () => (await import('@soundstage/splitter')).createSplitter,
  'feature-extractor': async () => (await import('@soundstage/feature-extractor')).createFeatureExtractor,
  'trainer-launcher': async () => (await import('@soundstage/trainer-launcher')).createTrainerLauncher,
  inference: async () => (await import('@soundstage/inference')).createInference,
};

export function addServeCommands(program: Command): void {
  program
    .command('up')
    .description('Run all services and the page on this machine, in one process.')
    .option('--no-page', 'without the gateway and its page')
    .addHelpText(
      'after',
      `
Where things are is told by the environment: SOUNDSTAGE_LISTEN (gRPC, default 127.0.0.1:7400),
SOUNDSTAGE_GATEWAY_PORT (page, default 7480), SOUNDSTAGE_HOME (queue, store; default ~/.local/share/soundstage),
SOUNDSTAGE_METRICS_PORT, SOUNDSTAGE_LOG_LEVEL, OTEL_EXPORTER_OTLP_ENDPOINT.

Examples:
  soundstage up
  SOUNDSTAGE_HOME=/srv/soundstage soundstage up`,
    )
    .action(({ page }: { page: boolean }) => serve('soundstage', Object.values(SERVICES), page));

  program
    .command('serve')
    .description('Run one service alone.')
    .argument('<service>', `one of ${Object.keys(SERVICES).join(', ')}`)
    .addHelpText(
      'after',
      '\nExamples:\n  soundstage serve inference\n  SOUNDSTAGE_LISTEN=0.0.0.0:7401 soundstage serve collector',
    )
    .action(async (name: string) => {
      const create = SERVICES[name];
      if (!create) {
        throw badInput(
          `There is no service ${JSON.stringify(name)}: choose one of ${Object.keys(SERVICES).join(', ')}.`,
        );
      }
      await serve(name, [create], false);
    });
}

/** Serves until SIGTERM or SIGINT, then drains. */
async function serve(name: string, loaders: readonly (() => Promise<CreateService>)[], page: boolean): Promise<void> {
  const [{ runServices }, { createLocalAdapters }, creators] = await Promise.all([
    import('@soundstage/core'),
    import('@soundstage/adapters-local'),
    Promise.all(loaders.map((load) => load())),
  ]);
  await runServices(name, createLocalAdapters, creators, async (services, log) => {
    const gateway = page
      ? await (await import('@soundstage/gateway')).startGateway({ inferenceAddress: services.address, log })
      : undefined;
    process.stderr.write(
      `Soundstage serves gRPC on ${services.address}${gateway ? ` and its page on ${gateway.url}` : ''}. Ctrl-C stops it.\n`,
    );
    return { close: async () => gateway?.close() };
  });
}
