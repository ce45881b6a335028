import { badInput, SoundstageError } from '@soundstage/core';
import { ffmpegArguments } from './command-line.js';
import { H264_OPTIONS } from './cut-parts.js';
import { withDefaults } from './limits.js';
import { shownName } from './media-file.js';
import { startProcess } from './process.js';

export interface EncodeFramesOptions {
  /** Height × width × 3 bytes each (RGB), rows from the top. */
  frames: AsyncIterable<Uint8Array>;
  /** Even numbers. */
  width: number;
  height: number;
  frameRate: number;
  /** A file, .mp4, in a folder that the caller throws away when this fails. */
  path: string;
  timeoutS?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Makes a video of frames that were made here: H.264 of constant rate, like the pictures of `cutParts`.
 *
 * @returns how many frames it has
 * Errors: BAD_INPUT (no frame at all, or one of another size), CANCELLED, EXHAUSTED (disk), the source's own.
 */
export async function encodeFrames(options: EncodeFramesOptions): Promise<number> {
  const { width, height, frameRate, path, signal } = options;
  const name = shownName(path);
  const child = await startProcess({
    program: 'ffmpeg',
    args: ffmpegArguments({
      filterThreads: 2,
      inputs: [
        {
          options: [
            ...['-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', `${width}x${height}`],
            ...['-framerate', String(frameRate)],
          ],
          url: 'pipe:0',
        },
      ],
      filterGraph: '[0:v]scale=flags=accurate_rnd+full_chroma_int,format=yuv420p[v]',
      outputs: [
        {
          options: ['-map', '[v]', '-map_metadata', '-1', '-fps_mode', 'passthrough', ...H264_OPTIONS],
          url: `file:${path}`,
        },
      ],
    }),
    files: [],
    stdin: true,
    timeLimitS: options.timeoutS ?? 3600,
    limits: withDefaults(undefined),
    subject: name,
    signal,
  });
  try {
    const count = await feed(options, child);
    if (count === 0) throw badInput(`There is no frame for ${name}.`, 'frames');
    await child.done;
    return count;
  } catch (error) {
    child.stop(SoundstageError.from(error));
    await child.done.catch(() => {});
    throw error;
  }
}

async function feed(
  { frames, width, height }: EncodeFramesOptions,
  child: Awaited<ReturnType<typeof startProcess>>,
): Promise<number> {
  const stdin = child.stdin!;
  let count = 0;
  // What ends the process ends the feeding, with its reason.
  const ended = child.done.then(() => {
    throw new SoundstageError('INTERNAL', 'ffmpeg ended before it had all frames.');
  });
  ended.catch(() => {});
  for await (const frame of frames) {
    if (frame.length !== width * height * 3) {
      throw badInput(`A frame has ${frame.length} bytes; ${width}×${height} RGB has ${width * height * 3}.`, 'frames');
    }
    // A write that fails is the echo of an ended process, which is about to tell why.
    const written = new Promise<void>((resolve) => stdin.write(frame, (error) => (error ? undefined : resolve())));
    await Promise.race([written, ended]);
    count++;
  }
  stdin.end();
  return count;
}
