import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { exitCode, SoundstageError } from '@soundstage/core';
import { serverOf } from '../connect/addresses.js';
import { homeFolder } from '../connect/connect.js';
import { untilInterrupted } from '../interrupt.js';
import { readRecipe } from './read-recipe.js';
import { planPipeline, runPipeline } from './run.js';
import { stepAsJson, summaryAsJson, summaryAsText } from './summary.js';
import { writeSummaryPage } from './summary-page.js';
import { showPipeline, stepInWords } from './view.js';

interface RunOptions {
  set: Map<string, string>;
  server?: string;
  dryRun?: boolean;
  fresh?: boolean;
  retryRefused?: boolean;
  inFlight: number;
  report?: string;
  json?: boolean;
  quiet?: boolean;
}

export function addPipelineCommands(program: Command): void {
  const pipeline = program
    .command('pipeline')
    .description('From sources to promoted models by one command, as a recipe says.')
    .addHelpText(
      'after',
      `
A recipe is a YAML file with the steps collect, preprocess, split, extract, train and promote; those that come along lie
in pipelines/. docs/pipelines.md tells what it may hold.

Examples:
  soundstage pipeline check pipelines/foley.yaml --set data=clips/
  soundstage pipeline run pipelines/foley.yaml --set data=clips/
  soundstage pipeline run pipelines/onset.yaml --set data=clips/ --dry-run`,
    );

  pipeline
    .command('run')
    .description('Run a recipe: what an earlier run did is not done again, what it left off is gone on with.')
    .argument('<recipe>', 'a YAML file')
    .option('--set <name=value>', "a variable's value; may be given several times", readSetting, new Map())
    .option('--dry-run', 'tell what would run, and do nothing')
    .option('--fresh', 'ask for everything anew; services that have the same result already give that')
    .option('--retry-refused', 'try again what was refused for good, too')
    .option('--in-flight <n>', 'clips on their way at a time (default: 64)', readCount, 64)
    .option('--report <folder>', 'where the page about the run goes (default: below SOUNDSTAGE_HOME)')
    .option(
      '--server <address>',
      'let running services do it: host:port, or name=host:port of each, with commas (default: SOUNDSTAGE_SERVER, else in this process)',
    )
    .option('--json', 'print one JSON object at the end')
    .option('-q, --quiet', 'show no progress')
    .addHelpText(
      'after',
      `
A clip that is refused is counted and listed, and the run goes on. Run twice, it does nothing the second time; stopped or
killed at any point, it goes on from there.

Exit codes: 0 done, 2 the recipe or what it names is wrong, 3 couldn't be done now or stopped: run it again.

Examples:
  soundstage pipeline run pipelines/foley.yaml --set data=clips/
  soundstage pipeline run my.yaml --set data=clips/ --set clips=12 --json`,
    )
    .action(async (path: string, options: RunOptions) => {
      await untilInterrupted((signal) => run(path, options, signal));
    });

  pipeline
    .command('check')
    .description('Check a recipe: every problem with its line.')
    .argument('<recipe>', 'a YAML file')
    .option('--set <name=value>', "a variable's value; may be given several times", readSetting, new Map())
    .option('--json', 'print the recipe as it would run')
    .addHelpText('after', '\nExamples:\n  soundstage pipeline check pipelines/onset.yaml --set data=clips/')
    .action(async (path: string, { set, json }: Pick<RunOptions, 'set' | 'json'>) => {
      const { recipe, variables } = await readRecipe(path, { set });
      const models = recipe.train.map((step) => step.recipe).join(', ') || 'nothing';
      process.stdout.write(
        json
          ? `${JSON.stringify({ recipe, variables })}\n`
          : `${path} is a good recipe: ${recipe.name}, dataset ${recipe.split.dataset}, trains ${models}.\n`,
      );
    });
}

async function run(path: string, options: RunOptions, signal: AbortSignal): Promise<void> {
  const { fresh = false, retryRefused = false, inFlight, json, quiet } = options;
  const server = serverOf(options);
  const read = await readRecipe(path, { set: options.set });
  if (options.dryRun) {
    const steps = await planPipeline(read, { server });
    const lines = steps.map((step) => `${step.state === 'cached' ? 'is done ' : 'would do'}  ${stepInWords(step)}\n`);
    process.stdout.write(json ? `${JSON.stringify({ steps: steps.map(stepAsJson) })}\n` : lines.join(''));
    return;
  }
  const folder = options.report ?? join(homeFolder(), 'pipelines', read.recipe.name, 'report');
  let page: string | undefined;
  const result = await runPipeline(read, {
    server,
    fresh,
    retryRefused,
    inFlight,
    signal,
    view: showPipeline(!quiet && !json),
    async afterwards(result, connection) {
      const there = join(folder, 'index.html');
      if (result.nothingNew && (await stat(there).catch(() => undefined))) page = there;
      else if (!result.error) {
        // What was made is made, whatever becomes of the page.
        page = await writeSummaryPage(folder, read, result, await connection()).catch((error: unknown) => {
          process.stderr.write(`soundstage: The page could not be written: ${SoundstageError.from(error).message}\n`);
          return undefined;
        });
      }
    },
  });
  process.stdout.write(json ? summaryAsJson(result, page) : summaryAsText(result, page));
  if (result.error) {
    process.exitCode = exitCode(result.error);
    process.stderr.write(`soundstage: ${result.error.message}\n`);
    if (result.error.reason === 'INTERNAL') process.stderr.write(`${(result.error.cause as Error)?.stack ?? ''}\n`);
  }
}

function readSetting(text: string, before: Map<string, string>): Map<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('Give name=value.');
  return new Map([...before, [name, value!]]);
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 1 on.');
}
