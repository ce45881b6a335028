/** The picture of a file: its one main moving picture (or still), never an attached cover. */
export interface VideoInfo {
  /** Index of the stream in the file. */
  index: number;
  /** ffmpeg's name, such as h264, hevc, vp9, av1, mpeg4, png. */
  codec: string;
  /** Width and height as displayed: shape of the pixels and rotation applied. */
  width: number;
  height: number;
  codedWidth: number;
  codedHeight: number;
  /** Width of one pixel divided by its height. */
  pixelAspectRatio: number;
  /** 0, 90, 180 or 270: how far players turn the coded picture clockwise. */
  rotationDegrees: number;
  pixelFormat: string;
  /** Pictures a second, on average. 0 for a still image. */
  frameRate: number;
  variableFrameRate: boolean;
  /** Pictures that refer to later ones in a container that doesn't tell when they are shown: they can't be copied out of it. */
  orderUntold?: true;
  /** Number of pictures, where the container or a full look at it tells. */
  frameCount?: number;
  /** When the first picture is shown, in seconds after the file's zero. */
  startS: number;
  /** From the start of the first picture to the end of the last. 0 for a still image. */
  durationS: number;
}

export interface AudioInfo {
  index: number;
  codec: string;
  sampleRateHz: number;
  channels: number;
  /** Bits a second, where the container tells. */
  bitRate?: number;
  /** In seconds after the file's zero. */
  startS: number;
  /** From its start to its end, where the container or a full look at it tells. */
  durationS?: number;
}

export interface SubtitleInfo {
  index: number;
  codec: string;
}

/**
 * What a media file holds. All times count from the file's zero, which is what players show as 0:00: the container's
 * first time stamp; where that lies below zero only because an audio codec needs to warm up (Opus in WebM), zero.
 */
export interface MediaInfo {
  /** Base name, fit to be shown. */
  name: string;
  /** mp4, mov, matroska, webm, avi, mpegts, mpeg, flv, asf, ogg, wav, flac, mp3, aac, png, jpeg, webp, bmp, … */
  container: string;
  sizeBytes: number;
  /** Length of the longest stream. 0 for a still image. */
  durationS: number;
  /** The container's own time at the file's zero. */
  startS: number;
  /** The container's first time stamp, from which ffmpeg counts: at most `startS`. */
  containerStartS: number;
  /** True for one single picture. */
  still: boolean;
  /** Number of streams of all kinds. */
  streams: number;
  video?: VideoInfo;
  audio?: AudioInfo;
  subtitles: readonly SubtitleInfo[];
  /** Streams of covers. */
  attachedPictures: readonly number[];
}
