import type { SyncMeasurement } from '@soundstage/sync';

/**
 * The measurements in full as JSON: `{ "format": "soundstage-sync", "version": 1, "before": …, "after": … }`, each as
 * SyncMeasurement. Numbers have four decimals: 0.1 µs, or a hundredth of a per cent.
 */
export function writeEvidence(measured: { before: SyncMeasurement; after: SyncMeasurement | undefined }): string {
  const { before, after } = measured;
  return JSON.stringify({ format: 'soundstage-sync', version: 1, before, after }, (_key, value: unknown) =>
    typeof value === 'number' ? Math.round(value * 1e4) / 1e4 : value,
  );
}
