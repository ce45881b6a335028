import type { SyncMeasurement, SyncSegment } from '@soundstage/sync';

/** An offset this small is as good as none: the measurement itself is no finer. */
const ACCURACY_MS = 20;

/**
 * Whether a repaired file was measured to be better than it was: in sync, or closer to it wherever something can be
 * said. A stretch that was right and is now elsewhere speaks against it, however much better the others are.
 */
export function isBetter(before: SyncMeasurement, after: SyncMeasurement): boolean {
  if (after.verdict === 'in_sync') return true;
  if (after.verdict === 'cannot_tell' || after.segments.length === 0) return false;
  return after.segments.every((now) =>
    before.segments.every((then) => {
      const stretch = { startS: Math.max(now.startS, then.startS), endS: Math.min(now.endS, then.endS) };
      if (stretch.endS <= stretch.startS) return true;
      const worst = worstMs(now, stretch);
      return worst <= ACCURACY_MS || worst < worstMs(then, stretch);
    }),
  );
}

/** The largest distance from sync in a part of a segment, either way: a straight line has it at an end. */
function worstMs(segment: SyncSegment, { startS, endS }: { startS: number; endS: number }): number {
  return Math.max(Math.abs(offsetMsAt(segment, startS)), Math.abs(offsetMsAt(segment, endS)));
}

/** The offset of a segment at a time of its picture. 1 ppm is 1 µs a second. */
function offsetMsAt({ startS, endS, offsetMs, driftPpm }: SyncSegment, timeS: number): number {
  return offsetMs + (driftPpm / 1000) * (timeS - (startS + endS) / 2);
}
