import { InvalidArgumentError, type Command } from 'commander';
import { badInput } from '@soundstage/core';
import { RANGE_S } from '@soundstage/sync';
import { parallelOption } from '../batch/at-once.js';

/** What the command line says, after each option was read by itself. */
export interface SyncOptions {
  output?: string;
  /** Repair nothing. */
  measure?: boolean;
  /** Offsets up to so many seconds either way are looked for. */
  range?: number;
  /** Where the page about one film goes. */
  report?: string;
  /** Where the figures of a folder go that is only measured. */
  csv?: string;
  force?: boolean;
  /** Where services answer, see serverOf(). */
  server?: string;
  /** Films of a batch at once, see atOnce(). */
  parallel?: number;
  json?: boolean;
  quiet?: boolean;
}

export function addSyncOptions(command: Command): Command {
  return command
    .argument('<input>', 'the film, a folder of films, or gs://BUCKET/PREFIX')
    .option(
      '-o, --output <path>',
      'where the repaired film goes; without it nothing is repaired (a folder or a bucket: the folder or gs://BUCKET/PREFIX for all results)',
    )
    .option('--measure', 'repair nothing; with -o DIR the reports and figures of a folder are written all the same')
    .option(
      '--range <seconds>',
      `look for offsets up to so many seconds either way (default: ${RANGE_S.usual}, at most ${RANGE_S.most})`,
      parseRange,
    )
    .option('--report <file>', 'write a page with all that the measurement of one film rests on (.html)')
    .option('--csv <file>', 'write the figures of a folder that is only measured (with -o they lie in sync.csv)')
    .option('--force', 'overwrite outputs that exist')
    .option(
      '--server <address>',
      'let a running service do it: host:port, or inference=host:port (default: SOUNDSTAGE_SERVER, else in this process)',
    )
    .addOption(parallelOption())
    .option('--json', 'print one JSON object on one line (a folder: one for each film, then a summary)')
    .option('-q, --quiet', 'show no progress');
}

/** Throws SoundstageError BAD_INPUT for options that contradict each other on one film, with what to do instead. */
export function refuseForOne({ output, measure, csv }: SyncOptions): void {
  if (measure && output !== undefined)
    throw badInput(
      '--measure repairs nothing, and -o says where the repaired film goes: leave one of the two out.',
      'measure',
    );
  if (csv !== undefined) throw badInput('--csv is for folders: for one film take --json, or --report.', 'csv');
}

/** The same for a folder. */
export function refuseForFolder({ output, report, csv }: SyncOptions): void {
  if (report !== undefined)
    throw badInput('--report is for one film: with -o DIR each film of a folder gets its report there.', 'report');
  if (csv !== undefined && output !== undefined)
    throw badInput('-o writes the figures into sync.csv beside the results: leave --csv out.', 'csv');
}

function parseRange(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds >= RANGE_S.least && seconds <= RANGE_S.most))
    throw new InvalidArgumentError(`It must be a number of seconds from ${RANGE_S.least} to ${RANGE_S.most}.`);
  return seconds;
}
