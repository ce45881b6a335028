import { shiftSound, type MediaInfo } from '@soundstage/media';
import type { SyncMeasurement } from '@soundstage/sync';

export interface RepairOptions {
  path: string;
  outputPath: string;
  info: MediaInfo;
  signal: AbortSignal | undefined;
  onProgress: (share: number) => void;
}

/** Whether what was measured can be repaired. */
export const canRepair = ({ verdict }: SyncMeasurement): boolean => verdict === 'offset';

/**
 * Makes a file whose sound lies where the measurement says that it belongs; the picture is copied bit for bit. A
 * constant offset is taken out by time stamps alone.
 *
 * Throws SoundstageError: as shiftSound() does. Nothing is left at outputPath then.
 */
export async function repair(
  { offsetMs = 0 }: SyncMeasurement,
  options: RepairOptions,
): Promise<{ warnings: readonly string[] }> {
  return shiftSound({ ...options, byMs: -offsetMs });
}

/** What repair() does, in one sentence. */
export const repairInWords = ({ offsetMs = 0 }: SyncMeasurement): string =>
  `The sound was moved ${Math.round(Math.abs(offsetMs))} ms ${offsetMs > 0 ? 'earlier' : 'later'}.`;
