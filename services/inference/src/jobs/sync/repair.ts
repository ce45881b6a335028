import { retimeSound, shiftSound, type MediaInfo } from '@soundstage/media';
import type { SyncMeasurement, SyncSegment } from '@soundstage/sync';

export interface RepairOptions {
  path: string;
  outputPath: string;
  info: MediaInfo;
  signal: AbortSignal | undefined;
  onProgress: (share: number) => void;
}

/**
 * Makes a file whose sound lies where the measurement says that it belongs; the picture is copied bit for bit. A
 * constant offset is taken out by time stamps alone, all else by coding the sound anew.
 *
 * Throws SoundstageError: as shiftSound() and retimeSound() do. Nothing is left at outputPath then.
 */
export async function repair(
  { verdict, offsetMs = 0, segments, evidence }: SyncMeasurement,
  options: RepairOptions,
): Promise<{ warnings: readonly string[] }> {
  if (verdict === 'offset') return shiftSound({ ...options, byMs: -offsetMs });
  const pieces = segments.map(({ startS, endS, offsetMs: pieceMs, driftPpm }) => {
    return { startS, endS, offsetMs: pieceMs, driftPpm };
  });
  return retimeSound({ ...options, pieces, speech: evidence.speech });
}

/** What repair() does, in one sentence. */
export function repairInWords({ verdict, offsetMs = 0, segments }: SyncMeasurement): string {
  if (verdict === 'offset') return `The sound was moved ${moved(offsetMs)}.`;
  const [first, ...others] = segments.map(inWords);
  if (others.length === 0) return `The sound was ${first}.`;
  if (others.length < 4) return `The sound was, stretch by stretch, ${[first, ...others].join(', then ')}.`;
  return `The sound was put in its place in ${segments.length} stretches, each by its own offset.`;
}

const moved = (offsetMs: number): string =>
  `${Math.round(Math.abs(offsetMs))} ms ${offsetMs > 0 ? 'earlier' : 'later'}`;

function inWords({ offsetMs, driftPpm }: SyncSegment): string {
  const ppm = Math.round(driftPpm);
  const paced = ppm > 0 ? `shortened by ${ppm} ppm` : `stretched by ${-ppm} ppm`;
  return ppm === 0 ? `moved ${moved(offsetMs)}` : `${paced} and moved ${moved(offsetMs)} at its middle`;
}
