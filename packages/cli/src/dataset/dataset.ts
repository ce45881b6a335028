import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { InvalidArgumentError, type Command } from 'commander';
import {
  DatasetChange,
  SplitterServiceService as Splitter,
  type Dataset,
  type DatasetVersion,
} from '@soundstage/contracts';
import { badInput, SoundstageError } from '@soundstage/core';
import type { Connection } from '../connect/connect.js';
import { say, withService, type ServiceOptions } from '../connect/with-service.js';
import { showProgress } from '../progress.js';
import { writeWhole } from '../write-whole.js';
import { newestVersion, readReport, split, splitSpec, type Division } from './create.js';
import { datasetNamed, shortId } from './names.js';
import { comparisonAsText, datasetsAsText, kindInWords, versionAsText, versionJson, versionsAsText } from './show.js';

export function addDatasetCommands(program: Command): void {
  const dataset = program
    .command('dataset')
    .description('Divide clips into train, validation and test, and keep, compare and export the versions.')
    .addHelpText(
      'after',
      `
A dataset is a name; its versions never change. NAME@VERSION takes a tag, an id, or the first 8 or more digits of one;
NAME alone is the newest version.

Examples:
  soundstage dataset create foley --from clips.collected.jsonl --shares 0.7,0.15,0.15 --tag first
  soundstage dataset show foley@first --page foley.html
  soundstage dataset compare foley@first foley
  soundstage dataset export foley@first --to foley-dataset/`,
    );
  const shared = (command: Command) =>
    command
      .option(
        '--server <address>',
        'ask running services: host:port, or name=host:port of each, with commas (default: SOUNDSTAGE_SERVER, else in this process)',
      )
      .option('--json', 'print one JSON object');

  addCreate(shared(dataset.command('create')));

  shared(dataset.command('list').description('All datasets, or all versions of one.').argument('[name]')).action(
    (name: string | undefined, options: ServiceOptions) =>
      withService('splitter', options, async (connection, signal) => {
        if (name === undefined) {
          const datasets = await allDatasets(connection, signal);
          say(
            options,
            () => ({ datasets: datasets.map(datasetJson) }),
            () => datasetsAsText(datasets),
          );
        } else {
          const versions = await allVersions(connection, name, signal);
          say(
            options,
            () => ({ versions: versions.map(versionJson) }),
            () => versionsAsText(versions),
          );
        }
      }),
  );

  shared(
    dataset
      .command('show')
      .description('Counts by label and split, what was rejected and why, and where the page to look through it is.')
      .argument('<dataset>', 'NAME or NAME@VERSION')
      .option('--page <file>', 'write the page to look and listen through the dataset'),
  ).action((text: string, options: ServiceOptions & { page?: string }) =>
    withService('splitter', options, async (connection, signal) => {
      const version = await findVersion(connection, text, signal);
      if (options.page !== undefined) {
        await writeWhole(options.page, await textOf(connection, version, signal)).catch(cannotWrite(options.page));
      }
      const page = options.page ?? `soundstage dataset show ${text} --page FILE writes it`;
      say(
        options,
        () => ({ ...versionJson(version), ...(options.page && { pagePath: resolve(options.page) }) }),
        () => `${versionAsText(version)}\nLook and listen  ${page}\n`,
      );
    }),
  );

  shared(
    dataset
      .command('tag')
      .description('Let a word stand for a version; moved, it stands for another.')
      .argument('<dataset>', 'NAME or NAME@VERSION')
      .argument('<tag>', 'reviewed, for example'),
  ).action((text: string, tag: string, options: ServiceOptions) =>
    withService('splitter', options, async (connection, signal) => {
      const request = { ...datasetNamed(text), tag, expectedVersion: undefined };
      const { tag: now, previousVersion } = await connection.call(Splitter.tagDataset, request, signal);
      const before =
        previousVersion && previousVersion !== now?.version ? `, not ${shortId(previousVersion)} any more` : '';
      say(
        options,
        () => ({ name: request.name, tag, version: now?.version, previous_version: previousVersion }),
        () => `${request.name}@${tag} is ${shortId(now?.version ?? '')}${before}.\n`,
      );
    }),
  );

  shared(
    dataset
      .command('compare')
      .description('What was added, removed, moved, relabelled and remade from one version to another.')
      .argument('<from>', 'NAME or NAME@VERSION')
      .argument('<to>', 'NAME or NAME@VERSION'),
  ).action((from: string, to: string, options: ServiceOptions) =>
    withService('splitter', options, async (connection, signal) => {
      const changes: DatasetChange[] = [];
      const sides = { from: datasetNamed(from), to: datasetNamed(to) };
      const page = (pageToken: string) =>
        connection.call(Splitter.compareDatasets, { ...sides, pageSize: 500, pageToken }, signal);
      let answer = await page('');
      for (changes.push(...answer.changes); answer.nextPageToken; changes.push(...answer.changes)) {
        answer = await page(answer.nextPageToken);
      }
      const { nextPageToken: _, changes: __, ...counts } = answer;
      const json = () =>
        changes.map((change) => ({ ...(DatasetChange.toJSON(change) as object), kind: kindInWords(change) }));
      say(
        options,
        () => ({ ...counts, changes: json() }),
        () => comparisonAsText(counts, changes, 50),
      );
    }),
  );

  addExport(shared(dataset.command('export')));
}

interface CreateOptions extends ServiceOptions {
  from: string[];
  shares: [number, number, number];
  own?: boolean;
  folds?: number;
  seed: number;
  tag?: string;
  dvc?: boolean;
}

function addCreate(command: Command): void {
  command
    .description('Make a version of a dataset of clips that were collected; no source stands in two of its splits.')
    .argument('<name>')
    .requiredOption('--from <report...>', 'reports of `soundstage collect`, the .jsonl')
    .option('--shares <train,validation,test>', 'shares of the clips', parseShares, [0.8, 0.1, 0.1])
    .option('--own', 'divide as the dataset says itself; of --shares only validation counts')
    .option('--folds <n>', 'divide into folds for cross-validation; the test share is kept out', parseCount)
    .option('--seed <n>', 'another seed divides otherwise', parseCount, 1)
    .option('--tag <word>', 'let this word stand for the version')
    .option('--dvc', 'so that a user of DVC can pull it; reads every file once')
    .addHelpText(
      'after',
      `
Examples:
  soundstage dataset create foley --from clips.collected.jsonl
  soundstage dataset create foley --from a.jsonl b.jsonl --folds 5 --shares 0.8,0,0.2 --tag folds`,
    )
    .action((name: string, options: CreateOptions) =>
      withService('splitter', options, async (connection, signal) => {
        const reports = await Promise.all(options.from.map(readReport));
        const spec = await splitSpec(
          connection,
          {
            name,
            profile: '',
            clips: reports.flatMap(({ clips }) => clips),
            rejected: reports.flatMap(({ rejected }) => rejected),
            division: divisionOf(options),
            parent: await newestVersion(connection, name, signal),
            dvc: options.dvc ?? false,
          },
          signal,
        );
        const progress = showProgress(!options.json);
        const { version } = await split(connection, spec, {
          startedAt: new Date(),
          signal,
          onChange: ({ fraction, steps }) =>
            progress.report('split', fraction, steps.findLast((s) => s.message)?.message),
        }).finally(progress.end);
        if (!version) throw new SoundstageError('INTERNAL', 'The splitter told no version.');
        if (options.tag !== undefined) {
          const request = { name, tag: options.tag, version: version.id, expectedVersion: undefined };
          await connection.call(Splitter.tagDataset, request, signal);
          version.tags = [...new Set([...version.tags, options.tag])];
        }
        say(
          options,
          () => versionJson(version),
          () => versionAsText(version),
        );
      }),
    );
}

function divisionOf({ shares, own, folds, seed }: CreateOptions): Division {
  const [train, validation, test] = shares;
  if (own && folds !== undefined) throw badInput('--own and --folds contradict each other: leave one out.', 'folds');
  if (own) return { method: 'own', train: 0, validation: 0, test: 0, folds: 0, seed };
  if (folds !== undefined) return { method: 'folds', train: train + validation, validation: 0, test, folds, seed };
  return { method: 'shares', train, validation, test, folds: 0, seed };
}

interface ExportCommandOptions extends ServiceOptions {
  to?: string;
  dvcRemote?: string;
  dvcProject?: string;
}

function addExport(command: Command): void {
  command
    .description('Write a version into a folder: clips, sound, frames, manifests, indexes and the page.')
    .argument('<dataset>', 'NAME or NAME@VERSION')
    .option('--to <folder>', 'where it goes; an export that broke off goes on')
    .option('--dvc-remote <folder>', 'lay it out as a DVC remote in this folder instead')
    .option('--dvc-project <folder>', 'where NAME.dvc goes (default: here)')
    .addHelpText(
      'after',
      `
Examples:
  soundstage dataset export foley@first --to foley-dataset/
  soundstage dataset export foley --dvc-remote /srv/dvc --dvc-project .   then: dvc pull foley.dvc`,
    )
    .action((text: string, options: ExportCommandOptions) =>
      withService('splitter', options, async (connection, signal) => {
        const { to, dvcRemote, dvcProject = '.' } = options;
        if ((to === undefined) === (dvcRemote === undefined)) {
          throw badInput(
            'Say with --to where the dataset goes, or with --dvc-remote which DVC remote it becomes.',
            'to',
          );
        }
        const version = await findVersion(connection, text, signal);
        const { exportDataset, exportDvc } = await import('@soundstage/splitter');
        const progress = showProgress(!options.json);
        const read = (key: string) => connection.download(key, signal);
        const onFile = (_: string, done: number, of: number) =>
          progress.report('export', done / of, `${done} of ${of} files`);
        try {
          if (to !== undefined) {
            const { files } = await exportDataset(to, { version, read, onFile, signal });
            say(
              options,
              () => ({ version: version.id, folder: resolve(to), files }),
              () => `${files} files in ${to}\nLook and listen  ${to}/index.html\n`,
            );
          } else {
            const folders = { remote: dvcRemote!, project: dvcProject };
            const { dvcFile, files } = await exportDvc(folders, { version, read, onFile, signal });
            say(
              options,
              () => ({ version: version.id, dvc_file: resolve(dvcFile), files }),
              () =>
                `${files} files in ${dvcRemote}\nNow: dvc remote add -d soundstage ${dvcRemote}; dvc pull ${dvcFile}\n`,
            );
          }
        } finally {
          progress.end();
        }
      }),
    );
}

async function findVersion(connection: Connection, text: string, signal: AbortSignal): Promise<DatasetVersion> {
  const { version } = await connection.call(Splitter.getDataset, datasetNamed(text), signal);
  if (version) return version;
  throw new SoundstageError('NOT_FOUND', `There is no dataset ${JSON.stringify(text)}.`);
}

async function textOf(connection: Connection, { page, id }: DatasetVersion, signal: AbortSignal): Promise<string> {
  if (!page) throw new SoundstageError('NOT_FOUND', `Version ${shortId(id)} has no page.`);
  return (await buffer(connection.download(page.key, signal))).toString('utf8');
}

const cannotWrite = (path: string) => (cause: NodeJS.ErrnoException) => {
  throw badInput(`${path} can't be written (${cause.code ?? cause.message}).`, 'page', cause);
};

async function allDatasets(connection: Connection, signal: AbortSignal): Promise<Dataset[]> {
  const datasets: Dataset[] = [];
  for (let pageToken = ''; ;) {
    const answer = await connection.call(Splitter.listDatasets, { pageSize: 100, pageToken }, signal);
    datasets.push(...answer.datasets);
    if (!answer.nextPageToken) return datasets;
    pageToken = answer.nextPageToken;
  }
}

async function allVersions(connection: Connection, name: string, signal: AbortSignal): Promise<DatasetVersion[]> {
  const versions: DatasetVersion[] = [];
  for (let pageToken = ''; ;) {
    const answer = await connection.call(Splitter.listDatasetVersions, { name, pageSize: 50, pageToken }, signal);
    versions.push(...answer.versions);
    if (!answer.nextPageToken) return versions;
    pageToken = answer.nextPageToken;
  }
}

const datasetJson = ({ name, latestVersion, latestTime, tags }: Dataset) => ({
  name,
  newest: latestVersion,
  made: latestTime?.toISOString(),
  tags: Object.fromEntries(tags.map(({ tag, version }) => [tag, version])),
});

function parseShares(text: string): [number, number, number] {
  const shares = text.split(',').map(Number);
  const sum = shares.reduce((a, b) => a + b, 0);
  if (shares.length === 3 && shares.every((share) => share >= 0) && Math.abs(sum - 1) < 1e-6) {
    return shares as [number, number, number];
  }
  throw new InvalidArgumentError('Give three shares that add up to 1, for example 0.8,0.1,0.1.');
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number.');
}
