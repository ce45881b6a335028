import type { CannotTellReason, SyncMeasurement, SyncSegment } from '../measurement.js';

/** What viewers begin to notice, in ms: sound that comes earlier than the first, or later than the second (ITU-R BT.1359). */
export const NOTICED_MS = { early: -45, late: 125 } as const;

/** `120 ms`, `1.24 s`; never a sign. */
export function amount(ms: number): string {
  const whole = Math.round(Math.abs(ms));
  return whole < 1000 ? `${whole} ms` : `${(whole / 1000).toFixed(2)} s`;
}

/** `120 ms late`, `45 ms early`, `0 ms`. */
export function lateness(ms: number): string {
  const whole = Math.round(ms);
  return whole === 0 ? '0 ms' : `${amount(whole)} ${whole > 0 ? 'late' : 'early'}`;
}

/** `no drift`, `+83 ppm (5 ms later every minute)`. */
export function driftInWords(ppm: number): string {
  const whole = Math.round(ppm);
  if (whole === 0) return 'no drift';
  const perMinuteMs = Math.abs(ppm) * 0.06;
  const often = perMinuteMs >= 1 ? amount(perMinuteMs) : `${perMinuteMs.toFixed(2)} ms`;
  return `${whole > 0 ? '+' : '−'}${Math.abs(whole).toLocaleString('en-GB')} ppm (${often} ${whole > 0 ? 'later' : 'earlier'} every minute)`;
}

/** The offset of a segment at a time of the film, in ms. */
export function offsetAt({ startS, endS, offsetMs, driftPpm }: SyncSegment, timeS: number): number {
  return offsetMs + ((timeS - (startS + endS) / 2) * driftPpm) / 1000;
}

/** What a headline needs of a measurement. */
export type Answer = Pick<SyncMeasurement, 'verdict' | 'offsetMs' | 'segments'>;

/** The answer as a headline, without a full stop. */
export function headline({ verdict, offsetMs = 0, segments }: Answer): string {
  switch (verdict) {
    case 'in_sync':
      return 'Picture and sound are in sync';
    case 'offset':
      return `The sound comes ${lateness(offsetMs)}`;
    case 'drift': {
      const [first, last] = [segments[0], segments.at(-1)];
      if (!first || !last) return 'The sound drifts';
      const [start, end] = [offsetAt(first, first.startS), offsetAt(last, last.endS)];
      return `The sound drifts, from ${lateness(start)} to ${lateness(end)}`;
    }
    case 'piecewise': {
      const offsets = segments.map((segment) => segment.offsetMs);
      return `The offset changes: ${segments.length} parts, from ${lateness(Math.min(...offsets))} to ${lateness(Math.max(...offsets))}`;
    }
    case 'cannot_tell':
      return 'It can’t be told whether picture and sound fit';
  }
}

/** What an offset means to somebody who watches. */
export function noticed(offsetMs: number): string {
  const { early, late } = NOTICED_MS;
  if (offsetMs > late) return `Viewers notice sound that comes more than ${late} ms late.`;
  if (offsetMs < early) return `Viewers notice sound that comes more than ${-early} ms early.`;
  return 'That is less than viewers notice.';
}

/** `very sure`, `fairly sure`, `unsure`. */
export function sureness(confidence: number): string {
  return confidence >= 0.9 ? 'very sure' : confidence >= 0.7 ? 'fairly sure' : 'unsure';
}

export const percent = (share: number): string => `${Math.round(Math.max(0, Math.min(1, share)) * 100)} %`;

interface Advice {
  why: string;
  next: readonly string[];
}

const WIDER = 'If the offset may be larger than what was tried, try a wider range: up to 5 s with --range 5.';
/** Why nothing can be told, and what can be done about it. */
export const ADVICE: Readonly<Record<CannotTellReason, Advice>> = {
  no_face: {
    why: 'No face is large and frontal enough to see its lips.',
    next: [
      'Measure a part of the film in which somebody speaks towards the camera.',
      'Use the film in its full size: lips are lost first when a picture is made smaller.',
      'Where there is no face at all, line up a visible event, such as a clap, by hand.',
    ],
  },
  no_speech: {
    why: 'Nobody speaks in the sound.',
    next: [
      'Measure a part of the film with speech.',
      'Check that the first sound track is the one with the speech, and that it isn’t silent.',
    ],
  },
  too_little: {
    why: 'There is too little speech of a face in the picture to be sure.',
    next: [
      'Measure a longer part: a few seconds of one face that speaks are needed.',
      'Choose a part without cuts while somebody speaks.',
    ],
  },
  no_agreement: {
    why: 'There are faces and speech, but the lips don’t move with the sound at any offset that was tried.',
    next: [
      WIDER,
      'If somebody off screen speaks, or the film is dubbed, the offset can’t be measured from lips.',
      'Check that this is the sound of this film.',
    ],
  },
};
