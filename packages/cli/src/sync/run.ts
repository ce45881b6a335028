import { stat } from 'node:fs/promises';
import { basename, extname, join, resolve, sep } from 'node:path';
import { badInput } from '@soundstage/core';
import { examine, type SyncMade } from '@soundstage/inference';
import { defaultRepairExtension, repairContainer, type MediaInfo } from '@soundstage/media';
import { refuseOutputs } from '../outputs.js';
import { refuseForOne, type SyncOptions } from './options.js';
import type { SyncMaker } from './sync-maker.js';

/** What is going to be done with one film, all of it checked. */
export interface SyncPlan {
  input: string;
  info: MediaInfo;
  /** Where the repaired film goes; undefined where it is only measured. */
  output: string | undefined;
  report: string | undefined;
}

/**
 * Checks all that can be checked before work starts: options against each other, the film, the outputs.
 *
 * Throws SoundstageError BAD_INPUT or NOT_FOUND with what to do.
 */
export async function planSync(input: string, options: SyncOptions, signal?: AbortSignal): Promise<SyncPlan> {
  refuseForOne(options);
  const info = await examine(input, signal);
  const output = options.output === undefined ? undefined : await outputOf(input, options.output, info);
  const report = options.report === undefined ? undefined : resolve(options.report);
  if (report !== undefined && !/\.html?$/i.test(report))
    throw badInput('--report writes a page: give it a name that ends with .html.', 'report');
  const common = { inputs: [input], force: options.force ?? false };
  if (output !== undefined) await refuseOutputs([output], common);
  if (report !== undefined) await refuseOutputs([report], { ...common, option: '--report' });
  return { input: resolve(input), info, output, report };
}

/** Does what was planned. Throws SoundstageError as Sync.run() does. */
export async function runPlan(
  sync: Pick<SyncMaker, 'run'>,
  { input, output, report }: SyncPlan,
  options: {
    range?: number | undefined;
    signal?: AbortSignal | undefined;
    onProgress?: ((step: string, fraction: number, message: string) => void) | undefined;
  },
): Promise<SyncMade> {
  return sync.run({
    inputPath: input,
    ...(output === undefined ? {} : { outputPath: output }),
    ...(report === undefined ? {} : { reportPath: report }),
    rangeS: options.range,
    signal: options.signal,
    onProgress: options.onProgress,
  });
}

/** What a repaired film is: its own kind where picture and sound can stay as they are. */
export const repairedExtension = defaultRepairExtension;

/** What `-o` says; in a folder `clip.mp4` becomes `clip.sync.mp4`. @throws BAD_INPUT for a kind that can't be written */
async function outputOf(input: string, output: string, info: MediaInfo): Promise<string> {
  const isFolder = output.endsWith(sep) || (await stat(output).catch(() => undefined))?.isDirectory() === true;
  const name = `${basename(input, extname(input))}.sync${repairedExtension(info)}`;
  const path = resolve(isFolder ? join(output, name) : output);
  repairContainer(path, info);
  return path;
}
