import type { Writable } from 'node:stream';
import { badInput, SoundstageError } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { checkRepaired, firstPictureS, lacksTimes, movedInput, progressOf, repairedOutput } from './copy-repaired.js';
import { decodeAudio } from './decode-audio.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile, type MediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { decodeNativeSound } from './native-sound.js';
import { writeNewFile } from './new-file.js';
import { opusDelaySamples } from './opus-delay.js';
import { playRuns } from './play-runs.js';
import { probeFile } from './probe.js';
import { startProcess, type RunningProcess } from './process.js';
import { repairContainer, type RepairContainer } from './repair-containers.js';
import { planCopies, readHeads, type FileHeads } from './repair-streams.js';
import { checkRepairable, type RepairedVideo } from './shift-sound.js';
import { soundCoding } from './sound-coding.js';
import { envelopeOf, findJoins } from './sound-joins.js';
import { checkPieces, lineOf, runsOf, type Join, type SoundPiece } from './time-map.js';

export interface RetimeSoundOptions {
  path: string;
  /** .mp4, .mov, .mkv or .webm; .avi for an AVI. An existing file is replaced. Never the input. */
  outputPath: string;
  /** How late the sound is, piece by piece without gaps over the whole picture. It is taken out. */
  pieces: readonly SoundPiece[];
  /** Where somebody speaks, on the sound's clock: no cuts there where it can be helped. */
  speech?: readonly { startS: number; endS: number }[] | undefined;
  /** What `probe` told about the file. Without it the file is probed first. */
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  timeoutS?: number;
  signal?: AbortSignal | undefined;
  /** Gets the share that is done, 0 to 1. */
  onProgress?: ((share: number) => void) | undefined;
}

const LISTEN_RATE_HZ = 16_000;
/** A difference of the picture's place that is worth writing the file again. */
const WORTH_MENDING_S = 0.0005;

/**
 * Builds the sound anew so that offsets and drifts are gone, and copies all else bit for bit. Drifts are resampled
 * away; where the sound has to jump it is cut or filled at the quietest place within 2 s, with crossfades of 10 ms; what
 * is put in sounds like the quiet beside it. Sounds are coded as they were where that can be written. All sounds of the
 * file are treated alike; memory doesn't grow with the length.
 * Errors: BAD_INPUT (input, pieces, limits, output path), EXHAUSTED (disk), CANCELLED, ….
 */
export async function retimeSound(options: RetimeSoundOptions): Promise<RepairedVideo> {
  const { path, outputPath, pieces, signal } = options;
  const limits = withDefaults(options.limits);
  const file = await openMediaFile(path, limits.bytes);
  try {
    const info = options.info ?? (await probeFile(file, limits, signal));
    checkRepairable(info);
    const video = info.video as NonNullable<MediaInfo['video']>;
    checkPieces(pieces, video.startS + video.durationS);
    const container = repairContainer(outputPath, info);
    const heads = await readHeads(file, limits, signal);
    return await writeNewFile(outputPath, [path], async (temporaryPath) => {
      const joins = await joinsOf(options, info, limits);
      const build = (byS: number) =>
        buildAnew({ file, info, heads, container, temporaryPath, joins, byS }, options, limits);
      let warnings = await build(0);
      let output = await checkRepaired(temporaryPath, info, container, limits, signal);
      // Where packets lack times, the copy may show the picture earlier or later than the input did: the sound follows.
      if (lacksTimes(info)) {
        const wasS = await firstPictureS(path, info, limits, signal);
        const open = { ...limits, bytes: Infinity };
        const isS = output.startS + (await firstPictureS(temporaryPath, output, open, signal));
        if (Math.abs(isS - wasS) > WORTH_MENDING_S) {
          warnings = await build(isS - wasS);
          output = await checkRepaired(temporaryPath, info, container, limits, signal);
        }
      }
      options.onProgress?.(1);
      return { outputPath, warnings };
    });
  } finally {
    await file.handle.close();
  }
}

/** Where the pieces are joined, judged by the sound that players take. */
async function joinsOf(options: RetimeSoundOptions, info: MediaInfo, limits: MediaLimits): Promise<Join[]> {
  const { path, pieces, signal } = options;
  if (pieces.length < 2) return [];
  const blocks = decodeAudio(path, { sampleRateHz: LISTEN_RATE_HZ, channels: 1, info, limits, signal });
  return findJoins({
    pieces,
    lines: pieces.map((piece) => lineOf(piece, info.audio!.sampleRateHz)),
    speech: options.speech ?? [],
    envelope: await envelopeOf(blocks, LISTEN_RATE_HZ),
  });
}

interface NewBuild {
  file: MediaFile;
  info: MediaInfo;
  heads: FileHeads;
  container: RepairContainer;
  temporaryPath: string;
  joins: readonly Join[];
  /** By how much the whole sound comes later, since the copied picture does. */
  byS: number;
}

async function buildAnew(
  { file, info, heads, container, temporaryPath, joins, byS }: NewBuild,
  options: RetimeSoundOptions,
  limits: MediaLimits,
): Promise<string[]> {
  const timeLimitS = options.timeoutS ?? 240 + 4 * info.durationS;
  const sounds = heads.streams.filter(
    (stream) => stream.kind === 'audio' && stream.sampleRateHz > 0 && stream.channels > 0,
  );
  const opusLate =
    container.family === 'matroska' && sounds.some((stream) => soundCoding(stream, container).codec === 'opus')
      ? await opusDelaySamples(limits, options.signal)
      : 0;
  const warnings: string[] = [];
  const plan = planCopies(heads, info, container, (stream) => {
    const place = sounds.indexOf(stream);
    if (place < 0) return undefined;
    const { codec, options: coding } = soundCoding(stream, container);
    if (codec !== stream.codec) {
      warnings.push(
        `A sound of ${info.name} was ${stream.codec}, which isn't written in ${container.extension}: it is ${codec} now.`,
      );
    }
    return { map: `[s${place}]`, coding: (at) => coding.map((word) => word.replace(/^(-\w+):a$/, `$1:a:${at}`)) };
  });
  const graph = sounds.map((stream, place) => {
    const rateHz = stream.sampleRateHz;
    const opus = soundCoding(stream, container).codec === 'opus' ? opusLate / 48_000 : 0;
    return `[${place + 1}:a:0]asetpts=PTS+${Math.round((byS + opus) * rateHz)}[s${place}]`;
  });
  const child = await startProcess({
    program: 'ffmpeg',
    args: ffmpegArguments({
      inputs: [
        {
          options: [...guardOptions(limits), '-an', ...movedInput(info, info.containerStartS - info.startS)],
          url: 'file:/dev/fd/3',
        },
        ...sounds.map(({ sampleRateHz, channels }, place) => ({
          options: ['-f', 'f32le', '-ar', String(sampleRateHz), '-ac', String(channels)],
          url: `pipe:${4 + place}`,
        })),
      ],
      filterGraph: graph.join(';'),
      outputs: [
        {
          options: [
            ...plan.options,
            ...sounds.flatMap(({ index, dispositions }, place) => [
              ...[`-map_metadata:s:a:${place}`, `0:s:${index}`],
              ...[`-disposition:a:${place}`, dispositions.join('+') || '0'],
            ]),
            ...['-flags:a', '+bitexact', '-threads', '1'],
            ...repairedOutput(container, heads),
          ],
          url: `file:${temporaryPath}`,
        },
      ],
    }),
    files: [file],
    pipes: sounds.length,
    timeLimitS,
    limits,
    subject: file.name,
    signal: options.signal,
    onOutputLine: progressOf(info.durationS, options.onProgress),
  });
  const feeds = sounds.map(async (stream, place) => {
    const { sampleRateHz, channels } = stream;
    const lines = options.pieces.map((piece) => lineOf(piece, sampleRateHz));
    const source = decodeNativeSound(file, stream, { info, limits, timeLimitS, signal: options.signal });
    try {
      await feed(playRuns(source, { runs: runsOf(lines, joins), sampleRateHz, channels }), child, place);
    } finally {
      await source.return();
    }
  });
  const [{ findings }] = await Promise.all([child.done, ...feeds]).catch(async (error: unknown) => {
    child.stop(SoundstageError.from(error));
    await Promise.allSettled([child.done, ...feeds]);
    throw error;
  });
  if (findings.has('truncated')) {
    throw badInput(`${file.name} is cut off: a part of the file is missing. Copy or download it again.`, 'path');
  }
  return [...plan.warnings, ...warnings];
}

/** Writes blocks to a pipe of ffmpeg's as fast as they are taken. Ends early without error when ffmpeg is gone. */
async function feed(blocks: AsyncIterable<Float32Array>, child: RunningProcess, place: number): Promise<void> {
  // A pipe of a child process is a socket that goes both ways.
  const pipe = child.pipes[place] as unknown as Writable;
  let over = false;
  const closed = new Promise<void>((resolve) => {
    const settle = () => {
      over = true;
      resolve();
    };
    pipe.once('close', settle);
    pipe.once('error', settle);
    child.done.then(settle, settle);
  });
  for await (const block of blocks) {
    if (over) return;
    const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    const taken = new Promise<void>((resolve) => pipe.write(bytes, () => resolve()));
    await Promise.race([taken, closed]);
  }
  if (!over) pipe.end();
}
