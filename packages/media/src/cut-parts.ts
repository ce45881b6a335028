import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions, type Target } from './command-line.js';
import { alignedSound } from './decode-audio.js';
import { framesAtRate } from './frame-views.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { probeFile } from './probe.js';
import { startProcess } from './process.js';
import { clockOf } from './timeline.js';

/** How a picture gets its size; all sides come out even. */
export type PictureSize =
  /** 'contain' keeps the shape and adds black; 'stretch' fills the size. */
  | { fit: 'contain' | 'stretch'; width: number; height: number }
  /** Keeps the shape; the shorter side gets this many pixels, or stays where it is shorter. */
  | { fit: 'shorter'; pixels: number };

/** A picture of the clip at one frame rate and size. */
export interface PicturePart {
  /** A file, .mp4; with 'jpeg' a folder, which gets 000001.jpg, 000002.jpg, … */
  path: string;
  form: 'h264' | 'jpeg';
  frameRate: number;
  frames: number;
  size: PictureSize;
}

/** The sound of the clip: mono 16-bit .wav. */
export interface SoundPart {
  path: string;
  sampleRateHz: number;
  samples: number;
  /** Which time of the file the first sample has, seconds; may lie before the file's zero, where it is silent. */
  startS: number;
}

/** A small grey copy of the first picture's frames, to look at while they are cut. */
export interface Preview {
  width: number;
  height: number;
  /** Gets each frame, row by row; the array is used again afterwards. */
  onFrame: (grey: Uint8Array) => void;
}

export interface CutPartsOptions {
  /** A video with or without sound. */
  path: string;
  /** Where the pictures begin, seconds after the file's zero. */
  startS: number;
  /** Up to 4, all from one decoding; none where the sound alone is wanted. */
  pictures: readonly PicturePart[];
  /** Left out where the file has no sound. */
  sound?: SoundPart;
  preview?: Preview;
  info?: MediaInfo;
  limits?: Partial<MediaLimits>;
  timeoutS?: number;
  signal?: AbortSignal | undefined;
}

/** How far before the beginning reading begins, so that the picture which stands then is among those that are read. */
const LEAD_S = 2;
const MAX_PICTURES = 4;

/**
 * Cuts pictures and sound of exact length by one decoding: frame n shows what players show at `startS + n / frameRate`,
 * sample k sounds at `sound.startS + k / sampleRateHz`. Before the first picture of the file the first one stands;
 * after its end the last one stands and the sound is silent. The same input, options and ffmpeg give the same bytes.
 *
 * The files belong in a folder that the caller throws away when this fails: they may be there by half then.
 * Errors: as `probe`; BAD_INPUT where the clip begins after the end of the picture.
 */
export async function cutParts(options: CutPartsOptions): Promise<void> {
  const limits = withDefaults(options.limits);
  checkParts(options);
  const file = await openMediaFile(options.path, limits.bytes);
  try {
    const info = options.info ?? (await probeFile(file, limits, options.signal));
    const { video } = info;
    if (video === undefined || info.still) throw badInput(`${file.name} has no moving picture.`, 'path');
    const endS = video.startS + video.durationS;
    if (options.startS >= endS) {
      throw badInput(
        `The picture of ${file.name} ends at ${endS.toFixed(2)} s; a clip can't begin at ${options.startS} s.`,
        'startS',
      );
    }
    const lengthS = Math.max(
      ...options.pictures.map(({ frames, frameRate }) => frames / frameRate),
      options.sound ? options.sound.samples / options.sound.sampleRateHz : 0,
    );
    const child = await startProcess({
      program: 'ffmpeg',
      args: ffmpegArguments({ filterThreads: 2, ...cutCommand(options, info, limits) }),
      files: [file],
      pipes: options.preview ? 1 : 0,
      timeLimitS: options.timeoutS ?? 120 + 4 * (lengthS + LEAD_S),
      limits,
      subject: file.name,
      signal: options.signal,
    });
    if (options.preview) readPreview(child.pipes[0]!, options.preview);
    const { findings } = await child.done;
    if (findings.has('truncated')) {
      throw badInput(`${file.name} is cut off: a part of the file is missing. Copy or download it again.`, 'path');
    }
  } finally {
    await file.handle.close();
  }
}

function cutCommand(options: CutPartsOptions, info: MediaInfo, limits: MediaLimits) {
  const { startS, pictures, sound, preview } = options;
  const video = info.video as NonNullable<MediaInfo['video']>;
  const firstS = Math.min(startS, sound?.startS ?? startS);
  const beginS = Math.max(0, firstS - LEAD_S);
  const clock = clockOf(info, { startS: beginS });
  // What the filters' clock shows at a time of the file.
  const filterTime = (timeS: number) => timeS - beginS + clock.filterZeroS + (beginS > 0 ? beginS : 0);

  const graph: string[] = [];
  const outputs: Target[] = [];
  const heads = pictures.map((_, index) => `[p${index}]`).join('');
  if (pictures.length > 0) graph.push(`[0:${video.index}]split=${pictures.length}${heads}`);
  pictures.forEach((picture, index) => {
    const steps = [
      ...framesAtRate(picture, filterTime(startS)),
      ...scaling(picture.size),
      'setsar=1',
      `format=${picture.form === 'jpeg' ? 'yuvj420p' : 'yuv420p'}`,
    ];
    const watched = index === 0 && preview !== undefined;
    graph.push(`[p${index}]${steps.join(',')}${watched ? ',split=2[v0][watched]' : `[v${index}]`}`);
    if (watched) graph.push(`[watched]extractplanes=y,${smallScaling(preview)}[preview]`);
    outputs.push({
      options: [
        ...[
          '-map',
          `[v${index}]`,
          '-map_metadata',
          '-1',
          '-frames:v',
          String(picture.frames),
          '-fps_mode',
          'passthrough',
        ],
        ...PICTURE_OPTIONS[picture.form],
      ],
      url: picture.form === 'jpeg' ? `file:${picture.path.replaceAll('%', '%%')}/%06d.jpg` : `file:${picture.path}`,
    });
  });
  if (sound) {
    const source =
      info.audio === undefined
        ? `anullsrc=r=${sound.sampleRateHz}:cl=mono`
        : `[0:${info.audio.index}]${alignedSound(sound.sampleRateHz, 1, filterTime(sound.startS))},apad=whole_len=${sound.samples}`;
    graph.push(`${source},atrim=end_sample=${sound.samples}[a]`);
    outputs.push({
      options: [
        ...['-map', '[a]', '-map_metadata', '-1', '-c:a', 'pcm_s16le'],
        ...['-fflags', '+bitexact', '-flags:a', '+bitexact', '-f', 'wav'],
      ],
      url: `file:${sound.path}`,
    });
  }
  if (preview) {
    outputs.push({
      options: [
        ...['-map', '[preview]', '-fps_mode', 'passthrough', '-pix_fmt', 'gray'],
        // Some frames at a time: to wake us for each one costs more than to look at it.
        ...['-flush_packets', '0', '-f', 'rawvideo'],
      ],
      url: 'pipe:4',
    });
  }
  const input = { options: [...guardOptions(limits), '-threads', '2', ...clock.inputOptions], url: 'file:/dev/fd/3' };
  return { inputs: [input], filterGraph: graph.join(';'), outputs };
}

/** H.264 whose every picture refers to earlier ones only, so that they come out in the order in which they lie. */
export const H264_OPTIONS = [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-bf', '0', '-threads', '2'],
  ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-movflags', '+faststart', '-f', 'mp4'],
];

const PICTURE_OPTIONS = {
  h264: H264_OPTIONS,
  jpeg: ['-c:v', 'mjpeg', '-q:v', '2', '-flags:v', '+bitexact', '-threads', '1', '-f', 'image2'],
} as const;

/** One thread: for so few points, handing slices to others costs more than the slices. */
const smallScaling = ({ width, height }: Preview) => `scale=${width}:${height}:flags=area:threads=1`;

function scaling(size: PictureSize): string[] {
  const flags = 'flags=bicubic+accurate_rnd';
  const square = 'scale=max(2\\,trunc(iw*sar)):ih,setsar=1';
  if (size.fit === 'shorter') {
    const shorter = `min(${size.pixels}\\,min(iw\\,ih))`;
    // The longer side follows, each cut down to an even number.
    const side = (own: string, other: string) => `2*trunc(max(1\\,${shorter}*max(1\\,${own}/${other})/2))`;
    return [square, `scale=w=${side('iw', 'ih')}:h=${side('ih', 'iw')}:${flags}`];
  }
  const box = `${size.width}:${size.height}`;
  if (size.fit === 'stretch') return [`scale=${box}:${flags}`];
  return [square, `scale=${box}:${flags}:force_original_aspect_ratio=decrease`, `pad=${box}:(ow-iw)/2:(oh-ih)/2:black`];
}

function readPreview(pipe: NodeJS.ReadableStream, { width, height, onFrame }: Preview): void {
  const frame = new Uint8Array(width * height);
  let filled = 0;
  pipe.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      const take = Math.min(chunk.length - at, frame.length - filled);
      frame.set(chunk.subarray(at, at + take), filled);
      at += take;
      filled += take;
      if (filled < frame.length) continue;
      filled = 0;
      onFrame(frame);
    }
  });
}

function checkParts({ startS, pictures, sound }: CutPartsOptions): void {
  const side = (pixels: number) => Number.isInteger(pixels / 2) && pixels >= 16 && pixels <= 8192;
  const problems: [wrong: boolean, field: string, should: string][] = [
    [!(startS >= 0 && Number.isFinite(startS)), 'startS', '0 or more'],
    [pictures.length > MAX_PICTURES, 'pictures', `at most ${MAX_PICTURES}`],
    [pictures.length === 0 && sound === undefined, 'pictures', 'at least one, or a sound'],
    ...pictures.flatMap(({ frameRate, frames, size }): typeof problems => [
      [!(frameRate > 0 && frameRate <= 240), 'frameRate', 'above 0 and up to 240'],
      [!(Number.isInteger(frames) && frames >= 1), 'frames', 'at least one frame'],
      ...('pixels' in size
        ? [[!side(size.pixels), 'pixels', 'an even number from 16 to 8192'] satisfies (typeof problems)[number]]
        : [
            [!side(size.width), 'width', 'an even number from 16 to 8192'] satisfies (typeof problems)[number],
            [!side(size.height), 'height', 'an even number from 16 to 8192'] satisfies (typeof problems)[number],
          ]),
    ]),
    ...(sound ? soundProblems(sound) : []),
  ];
  const first = problems.find(([wrong]) => wrong);
  if (first !== undefined) throw badInput(`${first[1]} must be ${first[2]}.`, first[1]);
}

function soundProblems({
  sampleRateHz,
  samples,
  startS,
}: SoundPart): [wrong: boolean, field: string, should: string][] {
  const rate = Number.isInteger(sampleRateHz) && sampleRateHz >= 4000 && sampleRateHz <= 192_000;
  return [
    [!rate, 'sampleRateHz', '4000 to 192000'],
    [!(Number.isInteger(samples) && samples >= 1), 'samples', 'at least one sample'],
    [!Number.isFinite(startS), 'sound.startS', 'a number of seconds'],
  ];
}
