import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { checkRepaired, firstPictureS, lacksTimes, movedInput, progressOf, repairedOutput } from './copy-repaired.js';
import { openFineSound, type FineSound } from './fine-sound.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile, type MediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { writeNewFile } from './new-file.js';
import { opusDelaySamples } from './opus-delay.js';
import { probeFile } from './probe.js';
import { startProcess } from './process.js';
import { fittingExtensions, repairContainer, type RepairContainer } from './repair-containers.js';
import { checkSoundsFit, planCopies, readHeads, type FileHeads } from './repair-streams.js';

export interface ShiftSoundOptions {
  path: string;
  /** .mp4, .mov, .mkv or .webm; .avi for an AVI with PCM. An existing file is replaced. Never the input. */
  outputPath: string;
  /** By how much the sound comes later than before, −10 000 to 10 000 ms; below 0 it comes earlier. */
  byMs: number;
  /** What `probe` told about the file. Without it the file is probed first. */
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  timeoutS?: number;
  signal?: AbortSignal | undefined;
  /** Gets the share that is done, 0 to 1. */
  onProgress?: ((share: number) => void) | undefined;
}

export interface RepairedVideo {
  outputPath: string;
  /** Sentences on what isn't as it was: streams that were left out, milliseconds that couldn't be moved. */
  warnings: string[];
}

const MAX_SHIFT_MS = 10_000;
/** A difference of the picture's place that is worth writing the file again. */
const WORTH_MENDING_S = 0.0005;

/**
 * Moves the sound against the picture by time stamps alone. Every stream is copied bit for bit with its metadata,
 * disposition, rotation and chapters; of sound that is moved before the file's zero MP4 and MOV hide the beginning by
 * an edit list, Matroska and WebM drop the packets that begin before it. AVI has no time stamps: there silence is put
 * before PCM, or samples are cut off. Sound that ends after the picture stays.
 * Errors: BAD_INPUT (input, limits, output path, container that can't carry picture or sound), EXHAUSTED, CANCELLED, ….
 */
export async function shiftSound(options: ShiftSoundOptions): Promise<RepairedVideo> {
  const { path, outputPath, byMs, signal } = options;
  const limits = withDefaults(options.limits);
  if (!(Math.abs(byMs) <= MAX_SHIFT_MS)) {
    throw badInput(`byMs must be ${-MAX_SHIFT_MS} to ${MAX_SHIFT_MS}: the sound is moved by 10 s at most.`, 'byMs');
  }
  const file = await openMediaFile(path, limits.bytes);
  try {
    const info = options.info ?? (await probeFile(file, limits, signal));
    checkRepairable(info);
    const container = repairContainer(outputPath, info);
    const heads = await readHeads(file, limits, signal);
    checkSoundsFit(heads, container, info, fittingExtensions(info, info.audio?.codec ?? ''));
    checkSomeIsLeft(info, byMs);
    return await writeNewFile(outputPath, [path], async (temporaryPath) => {
      const sound = await openFineSound(file, info, heads, limits, signal);
      try {
        const copy = (byS: number) =>
          copyShifted({ file, sound, info, heads, container, temporaryPath, byS }, options, limits);
        const byS = byMs / 1000;
        let { warnings } = await copy(byS);
        let output = await checkRepaired(temporaryPath, info, container, limits, signal);
        // Where packets lack times, the copy may show the picture earlier or later than the input did: the sound follows.
        if (lacksTimes(info)) {
          const wasS = await firstPictureS(path, info, limits, signal);
          const isS =
            output.startS + (await firstPictureS(temporaryPath, output, { ...limits, bytes: Infinity }, signal));
          if (Math.abs(isS - wasS) > WORTH_MENDING_S) {
            ({ warnings } = await copy(byS + isS - wasS));
            output = await checkRepaired(temporaryPath, info, container, limits, signal);
          }
        }
        options.onProgress?.(1);
        return { outputPath, warnings };
      } finally {
        await sound.close();
      }
    });
  } finally {
    await file.handle.close();
  }
}

/** Throws BAD_INPUT for a file that has no picture and sound to bring together. */
export function checkRepairable(info: MediaInfo): void {
  if (info.video === undefined) throw badInput(`${info.name} has no picture to bring its sound in time with.`, 'path');
  if (info.still) throw badInput(`${info.name} is a still image: there is nothing to be in time with.`, 'path');
  if (info.audio === undefined) throw badInput(`${info.name} has no sound to bring in time.`, 'path');
}

function checkSomeIsLeft(info: MediaInfo, byMs: number): void {
  const endS = (info.audio?.startS ?? 0) + (info.audio?.durationS ?? info.durationS);
  if (endS + byMs / 1000 > 0.1) return;
  throw badInput(
    `The sound of ${info.name} ends at ${endS.toFixed(2)} s: moved by ${byMs} ms, nothing of it is left.`,
    'byMs',
  );
}

interface ShiftedCopy {
  file: MediaFile;
  sound: FineSound;
  info: MediaInfo;
  heads: FileHeads;
  container: RepairContainer;
  temporaryPath: string;
  byS: number;
}

async function copyShifted(
  { file, sound, info, heads, container, temporaryPath, byS }: ShiftedCopy,
  options: ShiftSoundOptions,
  limits: MediaLimits,
): Promise<{ warnings: string[] }> {
  const opus = container.family === 'matroska' && heads.streams.some((stream) => stream.codec === 'opus');
  const lateS = opus ? (await opusDelaySamples(limits, options.signal)) / 48_000 : 0;
  const padded = container.family === 'avi';
  const plan = planCopies(heads, info, container, (stream, place) =>
    padded
      ? { map: `[s${place}]`, coding: (at) => [`-c:a:${at}`, stream.codec] }
      : { map: sound.mapOf(stream.index, place), coding: (at) => [`-c:a:${at}`, 'copy'] },
  );
  const sounds = heads.streams.filter((stream) => stream.kind === 'audio');
  const graph = sounds.map(
    ({ index, sampleRateHz }, place) => `[${sound.mapOf(index, place)}]${movedSamples(byS, sampleRateHz)}[s${place}]`,
  );
  const guard = guardOptions(limits);
  const child = await startProcess({
    program: 'ffmpeg',
    args: ffmpegArguments({
      inputs: [
        { options: [...guard, '-an', ...movedInput(info, info.containerStartS - info.startS)], url: 'file:/dev/fd/3' },
        {
          options: [...guard, '-vn', '-sn', '-dn', ...movedInput(info, sound.zeroS + (padded ? 0 : byS + lateS))],
          url: 'file:/dev/fd/4',
        },
      ],
      ...(padded ? { filterGraph: graph.join(';') } : {}),
      outputs: [
        {
          options: [
            ...plan.options,
            // Matroska has no time before zero: what would be heard there is dropped.
            ...(container.family === 'matroska' && byS < 0 ? ['-copypriorss:a', '0'] : []),
            ...repairedOutput(container, heads),
          ],
          url: `file:${temporaryPath}`,
        },
      ],
    }),
    files: [file, sound.file],
    timeLimitS: options.timeoutS ?? 120 + info.durationS,
    limits,
    subject: file.name,
    signal: options.signal,
    onOutputLine: progressOf(info.durationS, options.onProgress),
  });
  const { findings } = await child.done;
  if (findings.has('truncated')) {
    throw badInput(`${file.name} is cut off: a part of the file is missing. Copy or download it again.`, 'path');
  }
  return plan;
}

/** Filters that put silence before a sound or cut off its beginning, and change no sample. */
function movedSamples(byS: number, sampleRateHz: number): string {
  const samples = Math.round(byS * sampleRateHz);
  if (samples >= 0) return `adelay=delays=${samples}S:all=1`;
  return `atrim=start_sample=${-samples},asetpts=PTS-STARTPTS`;
}
