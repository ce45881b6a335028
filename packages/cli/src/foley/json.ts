import type { FoleyCandidate } from '@soundstage/inference';
import type { FoleyResult } from './run.js';

/** The stable JSON form of one result: names with units, seconds to the millisecond, null for what there is none of. */
export function foleyJson({ outcome, takes }: FoleyResult): Record<string, unknown> {
  const first = outcome.candidates[0]!;
  return {
    engine: outcome.engine,
    models: outcome.models,
    output: first.output ?? null,
    duration_s: thousandth(outcome.durationS),
    scene: first.sheet?.scene ?? null,
    classes: outcome.classes.map(({ label, confidence }) => ({ label, confidence: thousandth(confidence) })),
    onsets: (first.sheet?.hits ?? [])
      .filter(({ muted }) => !muted)
      .map(({ timeS, strength }) => ({ time_s: thousandth(timeS), strength: thousandth(strength) })),
    timing_trust: thousandth(outcome.timingTrust),
    seed: first.seed,
    sounds: first.sounds,
    loudness_lufs: thousandth(first.loudnessLufs),
    true_peak_dbtp: thousandth(first.truePeakDbtp),
    candidates: outcome.candidates.map((candidate, index) => ({
      seed: candidate.seed,
      output: candidate.output ?? null,
      cues: takes[index]?.cues ?? null,
      cues_vtt: takes[index]?.vtt ?? null,
      hits: soundingHits(candidate),
      layers: soundingLayers(candidate),
      sounds: candidate.sounds,
      loudness_lufs: thousandth(candidate.loudnessLufs),
      true_peak_dbtp: thousandth(candidate.truePeakDbtp),
    })),
    timings: Object.fromEntries(Object.entries(outcome.timings).map(([step, s]) => [step, thousandth(s)])),
    warnings: outcome.warnings,
  };
}

/** How many sound; none where a net made the sound. */
export function soundingHits({ sheet }: FoleyCandidate): number {
  return sheet?.hits.filter(({ muted }) => !muted).length ?? 0;
}

export function soundingLayers({ sheet }: FoleyCandidate): number {
  return sheet?.layers.filter(({ muted }) => !muted).length ?? 0;
}

function thousandth(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Math.round(value * 1000) / 1000;
}
