import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { badInput } from '@soundstage/core';

/** A file of a batch. */
export interface BatchInput {
  /** Its path, or gs://BUCKET/NAME. */
  path: string;
  /** Its path below what was given, with `/` between its parts. */
  name: string;
  kind: 'video' | 'image';
  bytes: number;
  modifiedMs: number;
  /** Why it can't be read, where that is known beforehand. */
  problem?: string;
}

export interface FoundInputs {
  /** By name, numbers in their order: `take 2` before `take 10`. */
  inputs: BatchInput[];
  /** Files that the job doesn't take, by their names. */
  others: number;
  /** Files that look like results: `clip.foley.mp4`, and all in folders that a batch wrote to. */
  ours: number;
}

/** Which files a job takes. */
export interface Wanted {
  kinds: readonly BatchInput['kind'][];
  /** What the names of its own results end with: `clip.foley.mp4`, which is no input again. */
  result: RegExp;
}

/** Where a batch keeps what it knows about its results, below the folder that it writes to. */
export const BATCH_FOLDER = '.soundstage';

const VIDEOS = 'mp4 m4v mov mkv webm avi mpg mpeg ts mts m2ts flv wmv asf 3gp 3g2 ogv';
const IMAGES = 'png jpg jpeg webp bmp';
const KINDS: ReadonlyMap<string, BatchInput['kind']> = new Map([
  ...VIDEOS.split(' ').map((name) => [`.${name}`, 'video'] as const),
  ...IMAGES.split(' ').map((name) => [`.${name}`, 'image'] as const),
]);
const BY_NAME = new Intl.Collator('en', { numeric: true });

/** What a file is by its name; undefined for what a batch takes no notice of. */
export function kindOf(name: string, { kinds }: Wanted): BatchInput['kind'] | undefined {
  const kind = KINDS.get(extname(name).toLowerCase());
  return kind !== undefined && kinds.includes(kind) ? kind : undefined;
}

/** What a job takes, in words: `video or image`. */
export const kindsInWords = ({ kinds }: Wanted): string => kinds.join(' or ');

/** The order of inputs: numbers in theirs, `take 2` before `take 10`. */
export const byName = (a: BatchInput, b: BatchInput): number =>
  BY_NAME.compare(a.name, b.name) || (a.name < b.name ? -1 : 1);

/**
 * All files below a folder that a job takes. Hidden files and folders are left out, and so is whatever lies in
 * `outputFolder`. Links to files are followed, links to folders are not, since they may lead in circles.
 * A folder that may not be read is listed as an input with that problem.
 *
 * Throws SoundstageError BAD_INPUT where the folder itself may not be read.
 */
export async function findInputs(folder: string, outputFolder: string, wanted: Wanted): Promise<FoundInputs> {
  const found: FoundInputs = { inputs: [], others: 0, ours: 0 };
  const output = await realpath(outputFolder).catch(() => outputFolder);
  const walk = async (path: string, prefix: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
      const problem = `The folder ${prefix === '' ? path : prefix} can't be read (${cause.code ?? cause.message}).`;
      if (prefix === '') throw badInput(problem, 'input', cause);
      found.inputs.push({ path, name: prefix, kind: 'video', bytes: 0, modifiedMs: 0, problem });
      return [];
    });
    const isOurs = prefix !== '' && entries.some((entry) => entry.name === BATCH_FOLDER && entry.isDirectory());
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const own = join(path, entry.name);
      const name = prefix + entry.name;
      if (entry.isDirectory()) {
        if ((await realpath(own)) !== output) await walk(own, `${name}/`);
        continue;
      }
      const kind = kindOf(entry.name, wanted);
      const there = kind === undefined ? undefined : await stat(own).catch(() => undefined);
      if (isOurs || wanted.result.test(entry.name)) found.ours++;
      else if (kind === undefined || there?.isDirectory()) found.others++;
      else found.inputs.push({ path: own, name, kind, bytes: there?.size ?? 0, modifiedMs: there?.mtimeMs ?? 0 });
    }
  };
  await walk(folder, '');
  found.inputs.sort(byName);
  return found;
}
