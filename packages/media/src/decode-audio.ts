import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { probeFile } from './probe.js';
import { startProcess } from './process.js';
import { clockOf } from './timeline.js';

export interface DecodeAudioOptions {
  sampleRateHz: number;
  /** 1 (mixed down, channels averaged) or 2. */
  channels: 1 | 2;
  /** Part of the file, in seconds after its zero. Default: all of it. */
  startS?: number;
  durationS?: number;
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  /** Time that decoding may take, not counting the time in which the caller is busy. */
  timeoutS?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Decodes the sound: blocks of interleaved samples, ±1 full scale, sample k of a channel at `startS + k / sampleRateHz`
 * after the file's zero. Sound that begins later is preceded by silence; gaps above 0.1 s are filled with it.
 * Errors: as `probe`, and BAD_INPUT where there is no sound or it can't be decoded.
 */
export async function* decodeAudio(
  path: string,
  options: DecodeAudioOptions,
): AsyncGenerator<Float32Array, void, void> {
  const limits = withDefaults(options.limits);
  const file = await openMediaFile(path, limits.bytes);
  try {
    const info = options.info ?? (await probeFile(file, limits, options.signal));
    if (info.audio === undefined) throw badInput(`${file.name} has no sound.`, 'path');
    const clock = clockOf(info, options);
    const { sampleRateHz, channels } = options;
    const child = await startProcess({
      program: 'ffmpeg',
      args: ffmpegArguments({
        inputs: [
          { options: [...guardOptions(limits), '-vn', '-sn', '-dn', ...clock.inputOptions], url: 'file:/dev/fd/3' },
        ],
        filterGraph: `[0:${info.audio.index}]${alignedSound(sampleRateHz, channels, clock.filterZeroS + (options.startS ?? 0))}[out]`,
        outputs: [{ options: ['-map', '[out]', '-c:a', 'pcm_f32le', '-f', 'f32le'], url: 'pipe:4' }],
      }),
      files: [file],
      pipes: 1,
      timeLimitS: options.timeoutS ?? 60 + clock.lengthS,
      limits,
      subject: file.name,
      signal: options.signal,
    });
    let left = true;
    try {
      yield* floatBlocks(child.pipes[0] as AsyncIterable<Buffer>, channels);
      left = false;
      const { findings } = await child.done;
      if (findings.has('truncated')) {
        throw badInput(`${file.name} is cut off: a part of the file is missing. Copy or download it again.`, 'path');
      }
    } catch (error) {
      // A broken pipe is the echo of what ended the process.
      if (left) await child.done;
      throw error;
    } finally {
      if (left) child.stop(badInput('The caller left.'));
      await child.done.catch(() => {});
    }
  } finally {
    await file.handle.close();
  }
}

/**
 * Options of aresample that put samples where their time stamps say: silence where stamps leap ahead, samples left out
 * where they overlap. Joined recordings often overlap or part by an encoder's delay (23 ms) at each join; by ffmpeg's own
 * limit of 0.1 s such joins would add up to that before they are followed. Stamps of live recordings tremble by less.
 */
export const FOLLOW_TIMES = 'async=1:min_hard_comp=0.02';

/** Filters that bring a sound stream to a rate and number of channels, with its first sample at the given time. */
export function alignedSound(sampleRateHz: number, channels: 1 | 2, firstS: number): string {
  const layout = channels === 1 ? 'mono' : 'stereo';
  // Without a limit ffmpeg adds both channels with 0.71 each where samples are floats: 3 dB more than their average.
  const average = channels === 1 ? ':rematrix_maxval=1' : '';
  // Moved to zero first: aresample counts first_pts in samples of what comes in.
  const moved = firstS === 0 ? '' : `asetpts=PTS-(${firstS.toFixed(6)}/TB),`;
  return `${moved}aresample=${sampleRateHz}:${FOLLOW_TIMES}:first_pts=0${average},aformat=sample_fmts=flt:channel_layouts=${layout}`;
}

async function* floatBlocks(pipe: AsyncIterable<Buffer>, channels: number): AsyncGenerator<Float32Array> {
  const frameBytes = 4 * channels;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of pipe) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % frameBytes);
    rest = bytes.subarray(whole);
    if (whole === 0) continue;
    const block = new Float32Array(whole / 4);
    new Uint8Array(block.buffer).set(bytes.subarray(0, whole));
    yield block;
  }
}
