import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions, type Target } from './command-line.js';
import { alignedSound } from './decode-audio.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { writeNewFile } from './new-file.js';
import { probeFile } from './probe.js';
import { runProcess } from './process.js';
import { clockOf } from './timeline.js';

export interface CutClipOptions {
  /** A video with or without sound. */
  path: string;
  /** Where the clip begins, in seconds after the file's zero. */
  startS: number;
  durationS: number;
  frameRate: number;
  /** Even numbers. */
  width: number;
  height: number;
  /** The clip's picture: H.264 in .mp4, constant rate, without sound. */
  videoPath: string;
  /** The clip's sound: mono 16-bit .wav. */
  soundPath: string;
  sampleRateHz: number;
  /** 'contain' (default) keeps the shape and adds black; 'stretch' fills the size. */
  fit?: 'contain' | 'stretch';
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  timeoutS?: number;
  signal?: AbortSignal | undefined;
}

export interface CutClip {
  /** Exactly round(durationS × frameRate). */
  frames: number;
  /** Exactly round(durationS × sampleRateHz). */
  samples: number;
  /** False where the input has no sound, so that the clip's is silence. */
  hasSound: boolean;
  /** Seconds at the end that the input doesn't cover: the last picture stands and the sound is silent. */
  paddedS: number;
}

/**
 * Cuts a clip of exact length: frame n shows what players show at `startS + n / frameRate`, sample k sounds at
 * `startS + k / sampleRateHz`. Before the first picture of the file the first one stands; after its end the last one
 * stands and the sound is silent. The same input, options and ffmpeg give the same bytes. Both files appear, or none.
 * Errors: as `probe`; BAD_INPUT where the clip begins after the end of the picture, or for sizes that aren't even.
 */
export async function cutClip(options: CutClipOptions): Promise<CutClip> {
  const limits = withDefaults(options.limits);
  const frames = Math.round(options.durationS * options.frameRate);
  const samples = Math.round(options.durationS * options.sampleRateHz);
  checkOptions(options, frames);
  const file = await openMediaFile(options.path, limits.bytes);
  try {
    const info = options.info ?? (await probeFile(file, limits, options.signal));
    const { video, audio } = info;
    if (video === undefined || info.still) throw badInput(`${file.name} has no moving picture.`, 'path');
    const endS = video.startS + video.durationS;
    if (options.startS >= endS) {
      throw badInput(
        `The picture of ${file.name} ends at ${endS.toFixed(2)} s; a clip can't begin at ${options.startS} s.`,
        'startS',
      );
    }
    // Begin early enough that the picture which stands at startS is among those that are read.
    const beginS = Math.max(0, options.startS - 2);
    const clock = clockOf(info, { startS: beginS });
    const skipS = options.startS - beginS + clock.filterZeroS + (beginS > 0 ? beginS : 0);
    const inputs: Target[] = [
      { options: [...guardOptions(limits), '-threads', '2', ...clock.inputOptions], url: 'file:/dev/fd/3' },
    ];
    const size = `${options.width}:${options.height}`;
    const scaling =
      options.fit === 'stretch'
        ? `scale=${size}:flags=bicubic+accurate_rnd`
        : `scale=max(2\\,trunc(iw*sar)):ih,setsar=1,scale=${size}:flags=bicubic+accurate_rnd:force_original_aspect_ratio=decrease,pad=${size}:(ow-iw)/2:(oh-ih)/2:black`;
    const picture = [
      // Shift the clip’s beginning to 0, then take the picture that stands at each tick (2 ms for rounded time stamps).
      `setpts=PTS-(${(skipS + 0.002).toFixed(6)}/TB)`,
      `fps=fps=${options.frameRate}:start_time=0:round=up`,
      'tpad=stop_mode=clone:stop=-1',
      `trim=end_frame=${frames}`,
      scaling,
      'setsar=1,format=yuv420p',
    ].join(',');
    const sound =
      audio === undefined
        ? `anullsrc=r=${options.sampleRateHz}:cl=mono,atrim=end_sample=${samples}[a]`
        : `[0:${audio.index}]asetpts=PTS-(${skipS.toFixed(6)}/TB),${alignedSound(options.sampleRateHz, 1, 0)},apad=whole_len=${samples},atrim=end_sample=${samples}[a]`;

    await writeNewFile(options.videoPath, [options.path], (videoPath) =>
      writeNewFile(options.soundPath, [options.path, options.videoPath], async (soundPath) => {
        await runProcess({
          program: 'ffmpeg',
          args: ffmpegArguments({
            filterThreads: 2,
            inputs,
            filterGraph: `[0:${video.index}]${picture}[v];${sound}`,
            outputs: [
              {
                options: [
                  ...['-map', '[v]', '-map_metadata', '-1', '-frames:v', String(frames), '-fps_mode', 'passthrough'],
                  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-bf', '0', '-threads', '2'],
                  ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-movflags', '+faststart', '-f', 'mp4'],
                ],
                url: `file:${videoPath}`,
              },
              {
                options: [
                  ...['-map', '[a]', '-map_metadata', '-1', '-c:a', 'pcm_s16le'],
                  ...['-fflags', '+bitexact', '-flags:a', '+bitexact', '-f', 'wav'],
                ],
                url: `file:${soundPath}`,
              },
            ],
          }),
          files: [file],
          timeLimitS: options.timeoutS ?? 120 + 4 * (options.durationS + 2),
          limits,
          subject: file.name,
          signal: options.signal,
        });
      }),
    );
    const paddedS = Math.max(0, options.startS + options.durationS - endS);
    return { frames, samples, hasSound: audio !== undefined, paddedS };
  } finally {
    await file.handle.close();
  }
}

function checkOptions(options: CutClipOptions, frames: number): void {
  const { startS, durationS, frameRate, width, height, sampleRateHz } = options;
  const wrong = [
    [!(startS >= 0 && Number.isFinite(startS)), 'startS', '0 or more'],
    [!(durationS > 0 && durationS <= 3600), 'durationS', 'above 0 and up to 3600 s'],
    [!(frameRate > 0 && frameRate <= 240), 'frameRate', 'above 0 and up to 240'],
    [frames < 1, 'durationS', 'at least one frame'],
    [!(Number.isInteger(width / 2) && width >= 16 && width <= 8192), 'width', 'an even number from 16 to 8192'],
    [!(Number.isInteger(height / 2) && height >= 16 && height <= 8192), 'height', 'an even number from 16 to 8192'],
    [
      !(Number.isInteger(sampleRateHz) && sampleRateHz >= 4000 && sampleRateHz <= 192_000),
      'sampleRateHz',
      '4000 to 192000',
    ],
  ] as const;
  const first = wrong.find(([isWrong]) => isWrong);
  if (first !== undefined) throw badInput(`${first[1]} must be ${first[2]}.`, first[1]);
}
