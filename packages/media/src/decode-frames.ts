import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { frameViewGraph, viewFrameBytes, type FrameView } from './frame-views.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { probeFile } from './probe.js';
import { startProcess } from './process.js';
import { clockOf } from './timeline.js';

export interface DecodeFramesOptions {
  /** What to make of each picture; all views come from one decoding. */
  views: readonly FrameView[];
  /** Part of the file, in seconds after its zero. Default: all of it. */
  startS?: number;
  durationS?: number;
  /** Only pictures that are stored whole, often seconds apart: a look at a long film that takes little time. */
  keyFramesOnly?: boolean;
  /** What `probe` told about this file. Without it the file is probed first. */
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  /** Time that decoding may take, not counting the time in which the caller is busy. Default: by the length. */
  timeoutS?: number;
  signal?: AbortSignal | undefined;
}

export interface DecodedFrame {
  /** Name of the view. */
  view: string;
  /** 0, 1, 2, … within the view. */
  index: number;
  /** When players show it, in seconds after the file's zero; of a view with `ticks` the time of its tick. */
  timeS: number;
  /** height × width (gray) or height × width × 3 (rgb24) bytes, rows from the top. */
  data: Uint8Array;
}

/** Frames that wait for the caller; above this ffmpeg has to wait. */
const QUEUE_BYTES = 24 * 2 ** 20;
const QUEUE_FRAMES = 512;

/**
 * Decodes the picture once and yields its frames in several views, upright and with their true times. Each view comes
 * in order; the views are interleaved as they come. Leaving the loop early stops ffmpeg.
 * Errors: as `probe`, and BAD_INPUT for pictures that can't be decoded, are cut off or too many; DEADLINE_EXCEEDED.
 */
export async function* decodeFrames(
  path: string,
  options: DecodeFramesOptions,
): AsyncGenerator<DecodedFrame, void, void> {
  const limits = withDefaults(options.limits);
  const file = await openMediaFile(path, limits.bytes);
  try {
    const info = options.info ?? (await probeFile(file, limits, options.signal));
    if (info.video === undefined) throw badInput(`${file.name} has no picture.`, 'path');
    yield* decodeOpenFile(file, info, options, limits);
  } finally {
    await file.handle.close();
  }
}

async function* decodeOpenFile(
  file: Awaited<ReturnType<typeof openMediaFile>>,
  info: MediaInfo,
  options: DecodeFramesOptions,
  limits: MediaLimits,
): AsyncGenerator<DecodedFrame, void, void> {
  const { views } = options;
  const clock = clockOf(info, options);
  const video = info.video as NonNullable<MediaInfo['video']>;
  const times: number[][] = views.map(() => []);
  const buffers = views.map((view) => createFrameBuffer(viewFrameBytes(view)));
  const queue: { view: number; index: number; data: Uint8Array }[] = [];
  let queuedBytes = 0;
  let wake = () => {};

  const child = await startProcess({
    program: 'ffmpeg',
    args: ffmpegArguments({
      logLevel: 'info',
      filterThreads: 2,
      inputs: [
        {
          options: [
            ...guardOptions(limits),
            ...['-threads', '2', '-an', '-sn', '-dn'],
            ...(options.keyFramesOnly ? ['-skip_frame', 'nokey'] : []),
            ...clock.inputOptions,
          ],
          url: 'file:/dev/fd/3',
        },
      ],
      filterGraph: frameViewGraph(views, video, {
        lengthS: clock.lengthS,
        firstS: clock.filterZeroS + (options.startS ?? 0),
      }),
      outputs: views.map((_, index) => ({
        options: ['-map', `[out${index}]`, '-fps_mode', 'passthrough', '-f', 'rawvideo'],
        url: `pipe:${4 + index}`,
      })),
    }),
    files: [file],
    pipes: views.length,
    timeLimitS: options.timeoutS ?? 60 + 4 * clock.lengthS,
    limits,
    subject: file.name,
    signal: options.signal,
    onLogLine: (line) => {
      const frame = /^\[showinfo@view(\d+) @ [^\]]*\] (.*)$/.exec(line);
      if (frame === null) return false;
      const pts = /^n: *\d+ pts: *(-?\d+|NOPTS)/.exec(frame[2] as string)?.[1];
      if (pts === undefined) return true;
      const known = times[Number(frame[1])] as number[];
      // A picture without a time follows the one before it.
      const guessS = (known.at(-1) ?? -clock.filterZeroS) + (video.frameRate > 0 ? 1 / video.frameRate : 0);
      known.push(pts === 'NOPTS' ? guessS : Number(pts) / 1e6 - clock.filterZeroS);
      wake();
      return true;
    },
  });

  let held = false;
  const throttle = () => {
    const full = queuedBytes > QUEUE_BYTES || queue.length > QUEUE_FRAMES;
    const calm = queuedBytes <= QUEUE_BYTES / 2 && queue.length <= QUEUE_FRAMES / 2;
    if (full && !held) {
      held = true;
      for (const pipe of child.pipes) pipe.pause();
      child.pauseClock();
    } else if (calm && held) {
      held = false;
      child.resumeClock();
      for (const pipe of child.pipes) pipe.resume();
    }
  };

  const counts = views.map(() => 0);
  child.pipes.forEach((pipe, view) => {
    pipe.on('data', (chunk: Buffer) => {
      for (const data of (buffers[view] as FrameBuffer).push(chunk)) {
        const index = counts[view] as number;
        counts[view] = index + 1;
        if (index >= limits.frames) {
          child.stop(badInput(`${file.name} has more than ${limits.frames} pictures, which is the limit.`, 'path'));
          return;
        }
        queue.push({ view, index, data });
        queuedBytes += data.byteLength;
      }
      throttle();
      wake();
    });
  });
  let ended = false;
  const pipesEnded = Promise.all(
    child.pipes.map((pipe) => new Promise<void>((resolve) => void pipe.once('close', resolve))),
  );
  const finished = Promise.all([child.done, pipesEnded]).finally(() => {
    ended = true;
    wake();
  });
  finished.catch(() => {});

  try {
    for (;;) {
      const head = queue[0];
      const timeS = head && times[head.view]?.[head.index];
      if (head !== undefined && timeS !== undefined) {
        queue.shift();
        queuedBytes -= head.data.byteLength;
        throttle();
        const { name, ticks } = views[head.view] as FrameView;
        const shownS = ticks ? (options.startS ?? 0) + head.index / ticks.frameRate : timeS;
        yield { view: name, index: head.index, timeS: shownS, data: head.data };
        continue;
      }
      if (ended) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (ended) resolve();
      });
    }
    const [{ findings }] = await finished;
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (findings.has('truncated')) {
      throw badInput(`${file.name} is cut off: a part of the file is missing. Copy or download it again.`, 'path');
    }
    if (total === 0) throw badInput(`No picture of ${file.name} can be decoded${clock.partWords}.`, 'path');
  } finally {
    if (!ended) child.stop(badInput('The caller left.'));
    await child.done.catch(() => {});
  }
}

interface FrameBuffer {
  push(chunk: Buffer): Uint8Array[];
}

/** Cuts a stream of bytes into frames of one size. */
function createFrameBuffer(frameBytes: number): FrameBuffer {
  let frame = new Uint8Array(frameBytes);
  let filled = 0;
  return {
    push(chunk) {
      const complete: Uint8Array[] = [];
      for (let at = 0; at < chunk.length;) {
        const take = Math.min(chunk.length - at, frameBytes - filled);
        frame.set(chunk.subarray(at, at + take), filled);
        at += take;
        filled += take;
        if (filled === frameBytes) {
          complete.push(frame);
          frame = new Uint8Array(frameBytes);
          filled = 0;
        }
      }
      return complete;
    },
  };
}
