import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, parse, resolve, sep } from 'node:path';
import { badInput } from '@soundstage/core';
import { defaultOutputExtension, outputContainer, type MediaInfo } from '@soundstage/media';
import type { FoleyOptions } from './options.js';

/** Where one take of a soundtrack goes; what is undefined is not written. */
export interface TakePaths {
  video: string | undefined;
  cues: string | undefined;
  vtt: string | undefined;
}

/**
 * The files that a run is going to write, one entry for each candidate: `clip.foley.mp4`, `clip.foley-2.mp4`, … beside
 * the input, or what `-o` says. Absolute.
 *
 * Throws SoundstageError BAD_INPUT where `-o` names a kind of file that can't be written.
 */
export async function planOutputs(input: string, info: MediaInfo, options: FoleyOptions): Promise<TakePaths[]> {
  const { only, saveCues = false, candidates = 1 } = options;
  const path = await firstPath(input, info, options);
  if (only !== 'cues') outputContainer(path, asVideo(info));
  return takesAt(path, { only, saveCues, candidates, mark: '-' });
}

/** The files of all takes, where the first one is to lie at `path`. `mark` stands in front of the number of the others. */
export function takesAt(
  path: string,
  options: { only?: 'cues' | undefined; saveCues: boolean; candidates: number; mark: string },
): TakePaths[] {
  return Array.from({ length: options.candidates }, (_, index) => {
    const own = numbered(path, index, options.mark);
    const stem = own.slice(0, own.length - extname(own).length);
    if (options.only === 'cues') return { video: undefined, cues: own, vtt: `${stem}.vtt` };
    if (!options.saveCues) return { video: own, cues: undefined, vtt: undefined };
    return { video: own, cues: `${stem}.cues.json`, vtt: `${stem}.cues.vtt` };
  });
}

/** The files of one take that are written. */
export function writtenFiles({ video, cues, vtt }: TakePaths): string[] {
  return [video, cues, vtt].filter((path) => path !== undefined);
}

/** `clip.mp4` gives `clip.foley.mp4`; the extension is one whose container takes the picture as it is. */
export function defaultOutputName(input: string, info: MediaInfo): string {
  return `${basename(input, extname(input))}.foley${videoExtension(info)}`;
}

/** What the finished video is: its own kind where that is written, mp4 for a still image. */
export function videoExtension(info: MediaInfo): string {
  return info.still ? '.mp4' : defaultOutputExtension(info);
}

async function firstPath(input: string, info: MediaInfo, { output, only }: FoleyOptions): Promise<string> {
  const name = only === 'cues' ? `${basename(input, extname(input))}.cues.json` : defaultOutputName(input, info);
  if (output === undefined) return resolve(dirname(input), name);
  const isFolder = output.endsWith(sep) || (await stat(output).catch(() => undefined))?.isDirectory() === true;
  const path = resolve(isFolder ? join(output, name) : output);
  if (only === 'cues' && extname(path).toLowerCase() !== '.json')
    throw badInput(`--only cues writes a cue sheet: give -o a name that ends with .json.`, 'output');
  return path;
}

/** `out.mp4`, `out-2.mp4`, `out-3.mp4`, … */
function numbered(path: string, index: number, mark: string): string {
  if (index === 0) return path;
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}${mark}${index + 1}${ext}`);
}

/** A still image becomes an H.264 video. */
function asVideo(info: MediaInfo): MediaInfo {
  return info.still && info.video !== undefined ? { ...info, video: { ...info.video, codec: 'h264' } } : info;
}
