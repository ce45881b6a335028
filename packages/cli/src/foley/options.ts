import { InvalidArgumentError, type Command } from 'commander';
import { badInput } from '@soundstage/core';
import { parallelOption } from '../batch/at-once.js';
import { wholeNumberTo } from '../whole-number.js';

/** What the command line says, after each option was read by itself. */
export interface FoleyOptions {
  output?: string;
  engine?: 'palette' | 'regnet';
  sound?: string;
  mute?: string[];
  quality?: 'draft' | 'standard';
  candidates?: number;
  only?: 'cues';
  /** Path of an edited cue sheet; `-` is standard input. */
  cues?: string;
  saveCues?: boolean;
  /** How long a still image sounds. */
  duration?: number;
  keepOriginal?: boolean;
  seed?: number;
  force?: boolean;
  /** Where services answer, see serverOf(). */
  server?: string;
  /** Films of a batch at once, see atOnce(). */
  parallel?: number;
  json?: boolean;
  quiet?: boolean;
}

export const DEFAULT_SEED = 1;
const MOST_CANDIDATES = 8;
/** As long as a video may be. */
const LONGEST_STILL_S = 4 * 3600;

export function addFoleyOptions(command: Command): Command {
  return command
    .argument('<input>', 'the silent video, the still image, a folder of them, or gs://BUCKET/PREFIX')
    .option(
      '-o, --output <path>',
      'where the result goes (default: NAME.foley.EXT beside the input; for a folder or a bucket: the folder or gs://BUCKET/PREFIX for all results)',
    )
    .option(
      '--engine <name>',
      'palette (default): recordings, placed by a cue sheet; regnet: a net draws the sound from the picture of a video',
      oneOf('palette', 'regnet'),
    )
    .option('--sound <words>', 'what makes the sound, for example "hammer on wood" (default: decided from the picture)')
    .option('--mute <names>', 'what must not sound: classes or groups, for example music,speech', parseNames)
    .option('--quality <level>', 'draft: a first listen, sooner; standard (default)', oneOf('draft', 'standard'))
    .option('--candidates <n>', `make 1 to ${MOST_CANDIDATES} takes to choose from`, wholeNumberTo(MOST_CANDIDATES))
    .option('--only <part>', 'cues: make the cue sheet (JSON and WebVTT) and no video', oneOf('cues'))
    .option('--cues <file>', "render this cue sheet, edited or not; the picture isn't looked at (- is standard input)")
    .option('--save-cues', 'write the cue sheet beside the video, too')
    .option('--duration <seconds>', 'how long a still image sounds (default: 10)', parseDuration)
    .option('--keep-original', "mix the new sound under the video's own")
    .option('--seed <n>', 'another seed gives another take; the same seed gives the same bytes (default: 1)', parseSeed)
    .option('--force', 'overwrite outputs that exist')
    .option(
      '--server <address>',
      'let a running service do it: host:port, or inference=host:port (default: SOUNDSTAGE_SERVER, else in this process)',
    )
    .addOption(parallelOption())
    .option('--json', 'print one JSON object on one line (a folder: one for each file, then a summary)')
    .option('-q, --quiet', 'show no progress');
}

/** Throws SoundstageError BAD_INPUT for options that contradict each other, with what to do instead. */
export function refuseContradictions(options: FoleyOptions): void {
  const { cues, only, sound, saveCues } = options;
  if (options.engine === 'regnet') refuseForRegnet(options);
  if (sound?.trim() === '') throw badInput('--sound needs words, for example --sound "hammer on wood".', 'sound');
  if (cues === undefined) return;
  if (only !== undefined)
    throw badInput('--cues renders a cue sheet and --only cues makes one: leave one of the two out.', 'only');
  if (sound !== undefined)
    throw badInput(
      '--sound has no place beside --cues: change "class" of the hits and layers in the cue sheet instead.',
      'sound',
    );
  if (saveCues) throw badInput('--save-cues has no place beside --cues: the cue sheet is there already.', 'saveCues');
}

/** The net hears what it sees: it knows no classes, and makes no cue sheet. */
function refuseForRegnet({ sound, mute, only, cues, saveCues, duration }: FoleyOptions): void {
  const refused: [unknown, string, string, string][] = [
    [sound, '--sound', 'sound', 'it hears what it sees, and can’t be told'],
    [mute, '--mute', 'mute', 'it knows no classes that could be left out'],
    [only, '--only cues', 'only', 'it makes no cue sheet'],
    [cues, '--cues', 'cues', 'a cue sheet is rendered with the palette'],
    [saveCues, '--save-cues', 'saveCues', 'it makes no cue sheet'],
    [duration, '--duration', 'duration', 'it takes videos alone, no still images'],
  ];
  for (const [given, option, field, why] of refused)
    if (given !== undefined)
      throw badInput(`${option} has no place beside --engine regnet: ${why}. Leave one of the two out.`, field);
}

export function parseSeed(text: string): number {
  const seed = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(seed) || seed < 0 || seed > Number.MAX_SAFE_INTEGER - MOST_CANDIDATES)
    throw new InvalidArgumentError('It must be a whole number from 0.');
  return seed;
}

function parseDuration(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= LONGEST_STILL_S))
    throw new InvalidArgumentError(`It must be a number of seconds above 0, and at most ${LONGEST_STILL_S}.`);
  return seconds;
}

function parseNames(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw new InvalidArgumentError('It must be names with commas between, like music,speech.');
  return names;
}

function oneOf(...choices: string[]): (text: string) => string {
  return (text) => {
    if (!choices.includes(text)) throw new InvalidArgumentError(`It must be ${choices.join(' or ')}.`);
    return text;
  };
}
