/** What is taken from outside at most. Each limit that is broken is named in the error. */
export interface MediaLimits {
  /** Size of the file. */
  bytes: number;
  /** Length of the longest stream. */
  seconds: number;
  /** Width times height of the picture as coded. */
  pixels: number;
  /** Width and height of the picture, each at least this. */
  minSidePixels: number;
  /** Streams of all kinds in the file. */
  streams: number;
  /** Pictures a second, on average. */
  frameRate: number;
  /** Pictures that one decoding yields for one view. */
  frames: number;
  /** Wall-clock time that looking at the file may take. */
  probeSeconds: number;
  /** Address space of one ffmpeg or ffprobe process. */
  memoryBytes: number;
}

/** 8 GiB, 4 h, 8192×8192, 64 streams, 240 frames/s: more than any clip that a person brings, less than what hurts. */
export const DEFAULT_LIMITS: Readonly<MediaLimits> = {
  bytes: 8 * 2 ** 30,
  seconds: 4 * 3600,
  pixels: 8192 * 8192,
  minSidePixels: 2,
  streams: 64,
  frameRate: 240,
  frames: 4 * 3600 * 60,
  probeSeconds: 15,
  memoryBytes: 4 * 2 ** 30,
};

/** The defaults with some limits overridden. */
export function withDefaults(limits: Partial<MediaLimits> | undefined): MediaLimits {
  return { ...DEFAULT_LIMITS, ...limits };
}
