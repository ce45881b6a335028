import { decodeFrames, type DecodedFrame, type FrameView, type MediaInfo } from '@soundstage/media';
import type { View } from './branch.js';

/** The moving picture of a clip, and at which times it is looked at. */
export interface PictureOf {
  path: string;
  info: MediaInfo & { video: NonNullable<MediaInfo['video']> };
  /** Pictures a second; 0: the clip's own. */
  frameRate: number;
  signal: AbortSignal;
}

/** Of more frames a second every second, third, … one is looked at: the models were made for such steps. */
const MOST_OWN_FRAMES_A_SECOND = 33;

/** How many frames there are at a constant rate; undefined where they are the clip's own. */
export function frameCount({ info, frameRate }: Pick<PictureOf, 'info' | 'frameRate'>): number | undefined {
  if (frameRate === 0) return undefined;
  return Math.max(1, Math.round((info.video.startS + info.video.durationS) * frameRate));
}

/** About how many frames there will be. */
export function expectedFrames(picture: Pick<PictureOf, 'info' | 'frameRate'>): number {
  const { durationS, frameRate } = picture.info.video;
  return frameCount(picture) ?? Math.floor(durationS * Math.min(frameRate, MOST_OWN_FRAMES_A_SECOND));
}

/**
 * The frames in several views, all from one decoding. The index counts the frames of a view; those whose time doesn't
 * rise, since the clock of a broken file stands still, are left out.
 *
 * @throws what `decodeFrames` throws
 */
export async function* framesOf(
  picture: PictureOf,
  views: readonly View[],
): AsyncGenerator<DecodedFrame & { at: number }> {
  const { path, info, frameRate, signal } = picture;
  const count = frameCount(picture);
  const rule: Pick<FrameView, 'ticks' | 'maxFrameRate'> =
    count === undefined ? { maxFrameRate: MOST_OWN_FRAMES_A_SECOND } : { ticks: { frameRate, frames: count } };
  const named = views.map((view, at) => ({ name: String(at), ...view, ...rule }));
  const lastS = views.map(() => -Infinity);
  const counts = views.map(() => 0);
  for await (const frame of decodeFrames(path, { views: named, info, signal })) {
    const at = Number(frame.view);
    if (frame.timeS <= lastS[at]!) continue;
    lastS[at] = frame.timeS;
    yield { ...frame, at, index: counts[at]!++ };
  }
}
