/** A frame moves where at least this share of its points changes by at least STEP. */
const POINTS_SHARE = 0.01;
/** Grey levels of 255. The noise of compression, averaged over a point of the preview, stays below. */
const STEP = 4;

/** The size in which the picture is looked at. */
export const PREVIEW = { width: 64, height: 48 } as const;

/** Watches grey frames and tells in what share of the steps from one to the next something moves. */
export interface MotionMeter {
  /** The array may be used again afterwards. */
  push(grey: Uint8Array): void;
  /** 0 to 1; 0 for less than two frames. */
  movingShare(): number;
  frames(): number;
}

export function createMotionMeter(): MotionMeter {
  let before: Uint8Array | undefined;
  let frames = 0;
  let moving = 0;
  return {
    push(grey) {
      frames++;
      if (before === undefined) {
        before = grey.slice();
        return;
      }
      let changed = 0;
      for (let at = 0; at < grey.length; at++) if (Math.abs(grey[at]! - before[at]!) >= STEP) changed++;
      if (changed >= POINTS_SHARE * grey.length) moving++;
      before.set(grey);
    },
    movingShare: () => (frames < 2 ? 0 : moving / (frames - 1)),
    frames: () => frames,
  };
}
