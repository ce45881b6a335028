import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import { writeNewFile } from './new-file.js';
import { probeFile } from './probe.js';
import { runProcess } from './process.js';

export interface StillVideoOptions {
  /** A still image. */
  path: string;
  durationS: number;
  /** .mp4 */
  outputPath: string;
  frameRate?: number;
  limits?: Partial<MediaLimits>;
  signal?: AbortSignal | undefined;
}

/**
 * Makes a silent H.264 video that shows one picture, upright and at most 3840 pixels wide or high, so that sound can
 * be put under a still image. Odd sizes lose their last row or column.
 */
export async function makeStillVideo(options: StillVideoOptions): Promise<void> {
  const limits = withDefaults(options.limits);
  const { durationS, frameRate = 25 } = options;
  if (!(durationS > 0 && durationS <= limits.seconds)) throw badInput('durationS is out of its limits.', 'durationS');
  const file = await openMediaFile(options.path, limits.bytes);
  try {
    const info = await probeFile(file, limits, options.signal);
    if (info.video === undefined) throw badInput(`${file.name} has no picture.`, 'path');
    const frames = Math.max(1, Math.round(durationS * frameRate));
    const filterGraph = [
      `[0:${info.video.index}]trim=end_frame=1`,
      'scale=max(2\\,trunc(iw*sar)):ih,setsar=1',
      'scale=min(3840\\,iw):min(3840\\,ih):force_original_aspect_ratio=decrease:flags=area',
      'crop=max(2\\,trunc(iw/2)*2):max(2\\,trunc(ih/2)*2):0:0',
      'format=yuv420p',
      `loop=loop=-1:size=1,setpts=N/(${frameRate}*TB),fps=${frameRate},trim=end_frame=${frames}[v]`,
    ].join(',');
    await writeNewFile(options.outputPath, [options.path], (path) =>
      runProcess({
        program: 'ffmpeg',
        args: ffmpegArguments({
          inputs: [{ options: guardOptions(limits), url: 'file:/dev/fd/3' }],
          filterGraph,
          outputs: [
            {
              options: [
                ...['-map', '[v]', '-frames:v', String(frames), '-c:v', 'libx264', '-preset', 'veryfast'],
                ...['-tune', 'stillimage', '-crf', '18', '-threads', '2', '-fflags', '+bitexact'],
                ...['-flags:v', '+bitexact', '-movflags', '+faststart', '-f', 'mp4'],
              ],
              url: `file:${path}`,
            },
          ],
        }),
        files: [file],
        timeLimitS: 60 + durationS,
        limits,
        subject: file.name,
        signal: options.signal,
      }),
    );
  } finally {
    await file.handle.close();
  }
}
