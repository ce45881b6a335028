import type { Command } from 'commander';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { createCollector } from '@soundstage/collector';
import { badInput, runServices, type CreateService } from '@soundstage/core';
import { createFeatureExtractor } from '@soundstage/feature-extractor';
import { startGateway } from '@soundstage/gateway';
import { createInference } from '@soundstage/inference';
import { createPreprocessor } from '@soundstage/preprocessor';
import { createSplitter } from '@soundstage/splitter';
import { createTrainerLauncher } from '@soundstage/trainer-launcher';

const SERVICES: Readonly<Record<string, CreateService>> = {
  collector: createCollector,
  preprocessor: createPreprocessor,
  splitter: createSplitter,
  'feature-extractor': createFeatureExtractor,
  'trainer-launcher': createTrainerLauncher,
  inference: createInference,
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
function serve(name: string, creators: readonly CreateService[], page: boolean): Promise<never> {
  return runServices(name, createLocalAdapters, creators, async (services, log) => {
    const gateway = page ? await startGateway({ inferenceAddress: services.address, log }) : undefined;
    process.stderr.write(
      `Soundstage serves gRPC on ${services.address}${gateway ? ` and its page on ${gateway.url}` : ''}. Ctrl-C stops it.\n`,
    );
    return { close: async () => gateway?.close() };
  });
}
