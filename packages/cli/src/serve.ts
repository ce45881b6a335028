import type { Command } from 'commander';
import type { CreateService } from '@soundstage/core';
import { serviceNamed, SERVICES } from './connect/services.js';

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
SOUNDSTAGE_METRICS_PORT, SOUNDSTAGE_LOG_LEVEL, OTEL_EXPORTER_OTLP_ENDPOINT. With SOUNDSTAGE_BACKEND=gcp queue and
store are Google's: see docs/gcp.md.

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
      await serve(name, [serviceNamed(name)], false);
    });
}

/** Serves until SIGTERM or SIGINT, then drains. */
async function serve(name: string, loaders: readonly (() => Promise<CreateService>)[], page: boolean): Promise<void> {
  const [{ runServices }, { createAdapters }, creators] = await Promise.all([
    import('@soundstage/core'),
    import('@soundstage/adapters'),
    Promise.all(loaders.map((load) => load())),
  ]);
  await runServices(name, createAdapters, creators, async (services, log) => {
    const gateway = page
      ? await (
          await import('@soundstage/gateway')
        ).startGateway({
          inferenceAddress: services.address,
          upstream: services.own,
          log,
        })
      : undefined;
    process.stderr.write(
      `Soundstage serves gRPC on ${services.address}${gateway ? ` and its page on ${gateway.url}` : ''}. Ctrl-C stops it.\n`,
    );
    return { close: async () => gateway?.close() };
  });
}
