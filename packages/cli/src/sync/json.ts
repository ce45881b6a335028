import type { SyncMade } from '@soundstage/inference';
import type { SyncMeasurement } from '@soundstage/sync';

/** The stable JSON form of one result: names with units, null for what there is none of. */
export function syncJson(made: SyncMade): Record<string, unknown> {
  const { before, after, repaired, outputPath, reportPath, whatWasDone, durationS, models, timings, warnings } = made;
  return {
    ...answerJson(before),
    after: after === undefined ? null : answerJson(after),
    repaired,
    what_was_done: whatWasDone,
    output: outputPath ?? null,
    report: reportPath ?? null,
    duration_s: rounded(durationS, 3),
    models,
    timings: Object.fromEntries(Object.entries(timings).map(([step, s]) => [step, rounded(s, 3)])),
    warnings,
  };
}

/** What a measurement says, without its evidence. */
export function answerJson(measurement: Answer): Record<string, unknown> {
  const { verdict, reason, detail, offsetMs, confidence, segments } = measurement;
  return {
    verdict,
    reason: reason ?? null,
    detail,
    offset_ms: rounded(offsetMs, 1),
    confidence: rounded(confidence, 3),
    segments: segments.map((segment) => ({
      start_s: rounded(segment.startS, 3),
      end_s: rounded(segment.endS, 3),
      offset_ms: rounded(segment.offsetMs, 1),
      drift_ppm: rounded(segment.driftPpm, 1),
      confidence: rounded(segment.confidence, 3),
      speech_s: rounded(segment.speechS, 2),
    })),
  };
}

/** A measurement without what it rests on. */
export type Answer = Omit<SyncMeasurement, 'evidence' | 'warnings' | 'durationS'>;

function rounded(value: number | undefined, decimals: number): number | null {
  if (value === undefined || !Number.isFinite(value)) return null;
  return Math.round(value * 10 ** decimals) / 10 ** decimals + 0; // no −0
}
