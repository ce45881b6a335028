import type { DecodedFrame } from './decode-frames.js';

/** Time stamps that were rounded to milliseconds may lie this much behind their tick. */
const ROUNDED_S = 0.002;

/**
 * The frame that players show at `startS + n / frameRate`, for n = 0 to count − 1: as `cutParts` takes them. Before the
 * first frame the first one stands, after the last the last one; nothing comes of no frames.
 *
 * @param frames in order of time, from one that is shown at `startS` on
 */
export async function* framesAtTicks(
  frames: AsyncIterable<DecodedFrame>,
  { startS, frameRate, count }: { startS: number; frameRate: number; count: number },
): AsyncGenerator<DecodedFrame, void, void> {
  let tick = 0;
  let standing: DecodedFrame | undefined;
  for await (const frame of frames) {
    for (; standing && tick < count && startS + tick / frameRate + ROUNDED_S < frame.timeS; tick++) yield standing;
    if (tick >= count) return;
    standing = frame;
  }
  for (; standing && tick < count; tick++) yield standing;
}
