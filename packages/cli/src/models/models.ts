import { buffer } from 'node:stream/consumers';
import { InvalidArgumentError, type Command } from 'commander';
import { RegisteredModel, Run, TrainerLauncherServiceService as Launcher, type ObjectRef } from '@soundstage/contracts';
import { badInput } from '@soundstage/core';
import type { Connection } from '../connect/connect.js';
import { say, withService, type ServiceOptions } from '../connect/with-service.js';
import { showProgress } from '../progress.js';
import { writeWhole } from '../write-whole.js';
import { allModels, newestRuns } from './list.js';
import { modelsAsText, runAsText, runInWords, runsAsText } from './show.js';

const shared = (command: Command) =>
  command
    .option('--server <address>', 'ask running services: host:port, or name=host:port of each, with commas (default: SOUNDSTAGE_SERVER, else in this process)')
    .option('--json', 'print one JSON object');

/** `soundstage models`: which versions there are, and which of them inference takes. */
export function addModelCommands(program: Command): void {
  const models = program
    .command('models')
    .description('The models that trainings have made: list, promote, roll back.')
    .addHelpText(
      'after',
      '\nExamples:\n  soundstage models list\n  soundstage models promote onset 4\n  soundstage models rollback onset',
    );

  shared(models.command('list').description('All versions, with their figures.').argument('[name]')).action(
    (name: string | undefined, options: ServiceOptions) =>
      withService('trainer-launcher', options, async (connection, signal) => {
        const found = await allModels(connection, name ?? '', signal);
        say(
          options,
          () => ({ models: found.map((model) => RegisteredModel.toJSON(model)) }),
          () => modelsAsText(found),
        );
      }),
  );

  shared(
    models
      .command('promote')
      .description('From now on inference takes this version.')
      .argument('<name>')
      .argument('<version>'),
  ).action((name: string, version: string, options: ServiceOptions) =>
    withService('trainer-launcher', options, async (connection, signal) => {
      const request = { name, version, expectedVersion: undefined };
      const { previousVersion } = await connection.call(Launcher.promoteModel, request, signal);
      say(
        options,
        () => ({ name, version, previous_version: previousVersion }),
        () => `Inference takes ${name} version ${version} from now on, not ${inWords(previousVersion)}.\n`,
      );
    }),
  );

  shared(
    models
      .command('rollback')
      .description('Back to the version that was promoted before, or to the one that ships.')
      .argument('<name>'),
  ).action((name: string, options: ServiceOptions) =>
    withService('trainer-launcher', options, async (connection, signal) => {
      const request = { name, expectedVersion: undefined };
      const { model, previousVersion } = await connection.call(Launcher.rollbackModel, request, signal);
      const now = model?.version ?? '';
      say(
        options,
        () => ({ name, version: now, previous_version: previousVersion }),
        () => `Inference takes ${name} again as ${inWords(now)}, not ${inWords(previousVersion)}.\n`,
      );
    }),
  );
}

const inWords = (version: string) => (version === '' ? 'the one that ships' : `version ${version}`);

/** `soundstage runs`: the trainings that were launched. */
export function addRunCommands(program: Command): void {
  const runs = program
    .command('runs')
    .description('The trainings that were launched: list, show, watch, compare, cancel.')
    .addHelpText(
      'after',
      `
Examples:
  soundstage runs list
  soundstage runs show t0123… --page run.html
  soundstage runs compare t0123… t4567… --page both.html`,
    );

  shared(
    runs.command('list').description('The newest first.').option('--limit <n>', 'at most so many', readCount, 20),
  ).action((options: ServiceOptions & { limit: number }) =>
    withService('trainer-launcher', options, async (connection, signal) => {
      const found = await newestRuns(connection, options.limit, signal);
      say(
        options,
        () => ({ runs: found.map((run) => Run.toJSON(run)) }),
        () => runsAsText(found),
      );
    }),
  );

  shared(
    runs
      .command('show')
      .description('Parameters, dataset, code, machine, curves and figures of a run.')
      .argument('<run>')
      .option('--page <file>', 'write the page about it'),
  ).action((runId: string, options: ServiceOptions & { page?: string }) =>
    withService('trainer-launcher', options, async (connection, signal) => {
      const { run } = await connection.call(Launcher.getRun, { runId }, signal);
      if (options.page !== undefined) await writePage(connection, run?.page, options.page, signal);
      say(
        options,
        () => Run.toJSON(run!),
        () => runAsText(run!),
      );
    }),
  );

  shared(runs.command('watch').description('Follow a run to its end.').argument('<run>')).action(
    (runId: string, options: ServiceOptions) =>
      withService('trainer-launcher', options, async (connection, signal) => {
        const progress = showProgress(!options.json);
        let last: Run | undefined;
        try {
          for await (const { run } of connection.stream(Launcher.watchRun, { runId }, signal)) {
            last = run;
            progress.report('train', Math.min(0.999, run?.job?.fraction ?? 0), run && runInWords(run));
          }
        } finally {
          progress.end();
        }
        if (last) {
          const ended = last;
          say(
            options,
            () => Run.toJSON(ended),
            () => runAsText(ended),
          );
        }
      }),
  );

  shared(
    runs
      .command('compare')
      .description('What differs between two runs: parameters, dataset, code, figures.')
      .argument('<from>')
      .argument('<to>')
      .option('--page <file>', "write a page with both runs' curves over each other"),
  ).action((fromRunId: string, toRunId: string, options: ServiceOptions & { page?: string }) =>
    withService('trainer-launcher', options, async (connection, signal) => {
      const request = { fromRunId, toRunId };
      const { differences, page } = await connection.call(Launcher.compareRuns, request, signal);
      if (options.page !== undefined) await writePage(connection, page, options.page, signal);
      const line = ({ what, from, to }: (typeof differences)[number]) => `${what}: ${from || '–'} → ${to || '–'}\n`;
      say(
        options,
        () => ({ differences }),
        () => differences.map(line).join('') || 'The runs differ in nothing.\n',
      );
    }),
  );

  shared(runs.command('cancel').description('Stop a run.').argument('<run>')).action((runId: string, options: ServiceOptions) =>
    withService('trainer-launcher', options, async (connection, signal) => {
      const { run } = await connection.call(Launcher.cancelRun, { runId }, signal);
      say(
        options,
        () => Run.toJSON(run!),
        () => runAsText(run!),
      );
    }),
  );
}

async function writePage(
  connection: Connection,
  page: ObjectRef | undefined,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  if (!page) throw badInput('The run has no page yet: it is written when the run has ended.', 'page');
  await writeWhole(path, (await buffer(connection.download(page.key, signal))).toString('utf8')).catch(
    (cause: NodeJS.ErrnoException) => {
      throw badInput(`${path} can't be written (${cause.code ?? cause.message}).`, 'page', cause);
    },
  );
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 1 on.');
}
