import type { DatasetClip } from '@soundstage/contracts';

/**
 * Brings parts of videos that a dataset names by their ids. Adapters: `yt-dlp`, and a folder that somebody else
 * downloaded into. Contract: `downloaderContract` in `testing/`.
 */
export interface Downloader {
  /** @throws a refusal `downloader_missing` that says what to install or set */
  ready(): Promise<void>;

  /**
   * Brings one part of one video into a folder, which must be empty.
   *
   * @returns the path of the file
   * @throws a refusal by name (`video_unavailable`, `video_private`, `rate_limited`, `too_large`, …), CANCELLED
   */
  download(clip: DatasetClip, folder: string, options: DownloadOptions): Promise<string>;
}

export interface DownloadOptions {
  /** Bytes of all that the download leaves in the folder, at any time. */
  maxBytes: number;
  /** Time for the whole of it. */
  maxSeconds: number;
  signal: AbortSignal;
}

/** What YouTube's ids look like. Nothing else is ever handed to a program. */
export const VIDEO_ID = /^[A-Za-z0-9_-]{11}$/;

/** Longest part that is cut from a video, seconds, and the latest start. */
export const LONGEST_PART_S = 600;
export const LATEST_START_S = 12 * 3600;

/** Whether a part can be asked for at all. */
export function isPart({ videoId, startS, durationS }: DatasetClip): boolean {
  return (
    VIDEO_ID.test(videoId) && startS >= 0 && startS <= LATEST_START_S && durationS > 0 && durationS <= LONGEST_PART_S
  );
}
