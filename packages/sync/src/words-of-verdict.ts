import { NOTICED_MS, type Decision } from './decide.js';
import type { CannotTellReason } from './measurement.js';

const REASONS: Record<CannotTellReason, string> = {
  no_face: 'No face is seen that is large and frontal enough, so nothing tells when the sound should come.',
  no_speech: 'Nobody is heard speaking, so there is nothing to compare the lips with.',
  too_little: 'A seen face speaks for too short a time to tell the offset.',
  no_agreement:
    'The lips that are seen move with the sound at no offset in the range: someone off screen may speak, the film may be dubbed, or the offset lies beyond the range.',
};

/** One sentence for people. */
export function sentenceOf({ verdict, reason, offsetMs = 0, segments }: Decision, rangeS: number): string {
  const ms = `${Math.abs(Math.round(offsetMs))} ms ${offsetMs >= 0 ? 'late' : 'early'}`;
  switch (verdict) {
    case 'cannot_tell':
      return `${REASONS[reason!]}${reason === 'no_agreement' && rangeS < 5 ? ` (range ±${rangeS} s)` : ''}`;
    case 'in_sync':
      return `The sound comes ${ms}, which viewers don't notice, or hardly (they do from about ${NOTICED_MS.early} ms early or ${NOTICED_MS.late} ms late on).`;
    case 'offset':
      return `The sound comes ${ms}.`;
    case 'drift':
      return `The sound drifts: it comes ${ms} in the middle of the film and ${segments[0]!.driftPpm > 0 ? 'falls behind' : 'runs ahead'} by ${Math.abs(segments[0]!.driftPpm / 1000).toFixed(2)} ms a second.`;
    case 'piecewise':
      return `The offset changes: there are ${segments.length} parts, from ${Math.round(Math.min(...segments.map((one) => one.offsetMs)))} to ${Math.round(Math.max(...segments.map((one) => one.offsetMs)))} ms.`;
  }
}
