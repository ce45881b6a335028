import { badInput, SoundstageError } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { outputContainer, subtitleCodec, type OutputContainer } from './containers.js';
import { lacksTimes } from './copy-repaired.js';
import { alignedSound } from './decode-audio.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { writeNewFile } from './new-file.js';
import { opusDelaySamples } from './opus-delay.js';
import { probe, probeFile } from './probe.js';
import { startProcess } from './process.js';
import { openSound, type SoundSource } from './sound-input.js';
import { clockOf } from './timeline.js';

export interface MuxSoundOptions {
  videoPath: string;
  /** The new sound; its first sample belongs to the file's zero. What is longer than the picture is cut. */
  sound: SoundSource;
  /** .mp4, .mov, .mkv or .webm; an existing file is replaced. Never the input. */
  outputPath: string;
  /** Mixes the sound that the video already has under the new one. The sum is kept below −1 dBFS. */
  keepOriginal?: { gainDb: number };
  /** What `probe` told about the video. Without it the video is probed first. */
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  timeoutS?: number;
  signal?: AbortSignal | undefined;
  /** Gets the share that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

export interface MuxedVideo {
  /** From the file's zero to the end of the picture; the sound is exactly as long. */
  durationS: number;
  sizeBytes: number;
  soundCodec: 'aac' | 'opus';
  /** What the container can't carry and was left out, as words for a warning: "2 streams of subtitles". */
  leftOut: string[];
}

const OUTPUT_RATE_HZ = 48_000;
/** −1 dBFS, where the sum of two sounds is limited. */
const MIX_CEILING = 0.891;

/**
 * Gives a video new sound. The picture is copied bit for bit, with its rotation, metadata, chapters and subtitles as
 * far as the container can; the sound is AAC 256 kbit/s (Opus 192 kbit/s in WebM), in time to the sample, and as long
 * as the picture. The output appears complete or not at all.
 * Errors: BAD_INPUT (input, output path, container that can't carry the picture), EXHAUSTED (disk), CANCELLED, ….
 */
export async function muxSound(options: MuxSoundOptions): Promise<MuxedVideo> {
  const limits = withDefaults(options.limits);
  const file = await openMediaFile(options.videoPath, limits.bytes);
  const inputs = [options.videoPath, ...(typeof options.sound === 'string' ? [options.sound] : [])];
  try {
    const info = options.info ?? (await probeFile(file, limits, options.signal));
    if (info.video === undefined) throw badInput(`${file.name} has no picture to put sound under.`, 'videoPath');
    if (info.still) throw badInput(`${file.name} is a still image: make a video of it first.`, 'videoPath');
    if (options.keepOriginal && info.audio === undefined)
      throw badInput(`${file.name} has no sound to keep.`, 'keepOriginal');
    const container = outputContainer(options.outputPath, info);
    return await writeNewFile(options.outputPath, inputs, async (temporaryPath) => {
      const sound = await openSound(options.sound, 1, limits);
      try {
        const lateBy = container.muxer === 'webm' ? await opusDelaySamples(limits, options.signal) : 0;
        const job = planMux(info, container, lateBy, options.keepOriginal?.gainDb);
        const endS = job.samples / OUTPUT_RATE_HZ;
        const child = await startProcess({
          program: 'ffmpeg',
          args: ffmpegArguments({
            inputs: [{ options: [...guardOptions(limits), ...job.inputOptions], url: 'file:/dev/fd/3' }, sound.target],
            filterGraph: job.filterGraph,
            outputs: [{ options: [...job.outputOptions, '-progress', 'pipe:1'], url: `file:${temporaryPath}` }],
          }),
          files: sound.file ? [file, sound.file] : [file],
          stdin: sound.file === undefined,
          timeLimitS: options.timeoutS ?? 120 + endS,
          limits,
          subject: file.name,
          signal: options.signal,
          onOutputLine: (line) => {
            const doneUs = /^out_time_us=(\d+)$/.exec(line)?.[1];
            if (doneUs !== undefined && endS > 0) options.onProgress?.(Math.min(1, Number(doneUs) / 1e6 / endS));
          },
        });
        const [{ findings }] = await Promise.all([child.done, sound.feed(child)]).catch(async (error: unknown) => {
          child.stop(SoundstageError.from(error));
          await child.done.catch(() => {});
          throw error;
        });
        if (findings.has('truncated')) {
          throw badInput(
            `${file.name} is cut off: a part of the file is missing. Copy or download it again.`,
            'videoPath',
          );
        }
        const output = await checkOutput(temporaryPath, info, container, limits, options.signal);
        options.onProgress?.(1);
        return { durationS: endS, sizeBytes: output.sizeBytes, soundCodec: job.soundCodec, leftOut: job.leftOut };
      } finally {
        await sound.close();
      }
    });
  } finally {
    await file.handle.close();
  }
}

interface MuxPlan {
  inputOptions: string[];
  filterGraph: string;
  outputOptions: string[];
  samples: number;
  soundCodec: 'aac' | 'opus';
  leftOut: string[];
}

function planMux(
  info: MediaInfo,
  container: OutputContainer,
  lateBySamples: number,
  originalGainDb: number | undefined,
): MuxPlan {
  const video = info.video as NonNullable<MediaInfo['video']>;
  const samples = Math.round((video.startS + video.durationS) * OUTPUT_RATE_HZ);
  // ffmpeg counts from the container's first time stamp; this shifts the file's zero to the output's zero.
  const warmUpS = clockOf(info, {}).filterZeroS;
  const late = lateBySamples > 0 ? `,asetpts=PTS+${lateBySamples}` : '';
  const exactLength = `apad=whole_len=${samples},atrim=end_sample=${samples}${late}`;
  const fresh = `[1:a:0]${alignedSound(OUTPUT_RATE_HZ, 2, 0)}`;
  const filterGraph =
    originalGainDb === undefined
      ? `${fresh},${exactLength}[sound]`
      : [
          `${fresh}[new]`,
          `[0:${info.audio?.index}]${alignedSound(OUTPUT_RATE_HZ, 2, 0)},volume=${originalGainDb}dB[old]`,
          `[new][old]amix=inputs=2:duration=longest:normalize=0,alimiter=limit=${MIX_CEILING}:level=0:latency=1,${exactLength}[sound]`,
        ].join(';');

  const subtitles = info.subtitles.map(({ index, codec }) => ({ index, codec: subtitleCodec(container, codec) }));
  const kept = subtitles.filter((subtitle) => subtitle.codec !== undefined);
  const coversFit = container.muxer === 'mp4' || container.muxer === 'matroska';
  const covers = coversFit ? info.attachedPictures : [];
  const lost = subtitles.length - kept.length;
  const lostCovers = info.attachedPictures.length - covers.length;
  const web = container.muxer === 'webm';
  return {
    inputOptions: [
      ...(warmUpS > 0 ? ['-itsoffset', (-warmUpS).toFixed(6)] : []),
      ...(lacksTimes(info) ? ['-fflags', '+genpts'] : []),
    ],
    filterGraph,
    outputOptions: [
      ...['-map', `0:${video.index}`, '-map', '[sound]'],
      ...covers.flatMap((index) => ['-map', `0:${index}`]),
      ...kept.flatMap(({ index }) => ['-map', `0:${index}`]),
      ...['-c:v', 'copy', '-map_metadata', '0', '-map_chapters', '0'],
      ...covers.flatMap((_, place) => [`-disposition:v:${place + 1}`, 'attached_pic']),
      ...kept.flatMap(({ codec }, place) => [`-c:s:${place}`, codec as string]),
      ...(web ? ['-c:a', 'libopus', '-b:a', '192k'] : ['-c:a', 'aac', '-b:a', '256k']),
      ...['-ar', String(OUTPUT_RATE_HZ), '-ac', '2', '-disposition:a:0', 'default'],
      // The same input gives the same bytes: no random ids, no versions, one thread.
      ...['-fflags', '+bitexact', '-flags:a', '+bitexact', '-threads', '1', '-max_muxing_queue_size', '4096'],
      ...(container.muxer === 'mp4' || container.muxer === 'mov' ? ['-movflags', '+faststart'] : []),
      // Matroska keeps the encoder's warm-up in a field of its own. Left to itself, ffmpeg shifts the picture by it, too.
      ...(container.muxer === 'matroska' || web ? ['-avoid_negative_ts', 'disabled'] : []),
      ...['-f', container.muxer],
    ],
    samples,
    soundCodec: web ? 'opus' : 'aac',
    leftOut: [
      ...(lost > 0 ? [`${lost} ${lost === 1 ? 'stream' : 'streams'} of subtitles`] : []),
      ...(lostCovers > 0 ? ['the cover picture'] : []),
    ],
  };
}

/** Looks at what was written before it gets its name: a full disk or a container's limits can spoil it in silence. */
async function checkOutput(
  path: string,
  info: MediaInfo,
  container: OutputContainer,
  limits: MediaLimits,
  signal: AbortSignal | undefined,
): Promise<MediaInfo> {
  // Sound adds to the size and to the time that looking takes; what is ours needn't keep the limits for input.
  const output = await probe(path, { limits: { ...limits, bytes: Infinity, seconds: Infinity }, signal });
  if (output.audio === undefined) {
    throw new SoundstageError('INTERNAL', `The finished video of ${info.name} lacks its sound.`);
  }
  // A muxer leaves out, in silence, a picture whose packets or headers are too broken to be told about.
  if (output.video === undefined) {
    throw badInput(
      `The picture of ${info.name} is too damaged to be copied: repair or convert the video first.`,
      'videoPath',
    );
  }
  if (output.video.rotationDegrees !== info.video?.rotationDegrees) {
    throw badInput(
      `${container.extension} can't carry the rotation of ${info.name} with this ffmpeg: name the output .mp4 or .mov.`,
      'outputPath',
    );
  }
  return output;
}
