import { jpegStills, type MediaInfo } from '@soundstage/media';
import type { SyncMeasurement } from '@soundstage/sync';

const MOST = 12;
const SIDE_PIXELS = 240;

/**
 * A few small pictures for the report, in order of time: of each face that was followed, those who speak most first,
 * and where there are none, of each shot.
 *
 * Errors: as `jpegStills`.
 */
export async function thumbnailsOf(
  path: string,
  { evidence: { faces, shotsS }, durationS }: SyncMeasurement,
  { info, signal }: { info: MediaInfo; signal: AbortSignal | undefined },
): Promise<{ timeS: number; jpeg: Uint8Array }[]> {
  const middles =
    faces.length > 0
      ? faces.toSorted((one, other) => other.speaksS - one.speaksS).map(({ startS, endS }) => (startS + endS) / 2)
      : evenly(
          shotsS.map((startS, index) => (startS + (shotsS[index + 1] ?? durationS)) / 2),
          MOST,
        );
  const timesS = middles.slice(0, MOST).toSorted((one, other) => one - other);
  const stills = await jpegStills(path, { timesS, sidePixels: SIDE_PIXELS, info, signal });
  return timesS.flatMap((timeS, index) => {
    const jpeg = stills[index];
    return jpeg === undefined ? [] : [{ timeS, jpeg }];
  });
}

/** At most so many of a list, spread over all of it. */
function evenly<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, index) => list[Math.floor(((index + 0.5) * list.length) / most)]!);
}
