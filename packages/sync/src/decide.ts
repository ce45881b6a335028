import { confidenceOf, type ConfidenceLine } from './curve.js';
import { driftedLags, fit, timeOf, type Penalties, type Stretch } from './fit.js';
import type { CannotTellReason, SyncSegment, SyncVerdict } from './measurement.js';
import { FRAME_RATE_HZ, LAG_MS } from './model-clock.js';
import { mostNear, ROW_FRAMES, type Row } from './rows.js';

/** From when on viewers notice it: sound that comes early and sound that comes late, ms (ITU-R BT.1359-1). */
export const NOTICED_MS = { early: 45, late: 125 } as const;

/** What is less sure is told, but nothing should be altered or thrown away for it. */
export const SURE_TO_ALTER = 0.85;

/** What a measurement may be off by: an offset is called one where it is noticed though it were smaller by this, ms. */
const OFF_BY_MS = 25;

/** What the card of the model says of deciding. */
export interface DecisionRules {
  confidence: ConfidenceLine;
  /** From this confidence on an offset is told. */
  answerFrom: number;
  penalties: Penalties;
}

/** What a film's rows are judged by. */
export interface ToDecide {
  rows: readonly Row[];
  lags: number;
  durationS: number;
  shotsS: readonly number[];
  /** Whether somebody speaks in a frame at FRAME_RATE_HZ. */
  speaks: (frame: number) => boolean;
  anyFace: boolean;
  anySpeech: boolean;
  rules: DecisionRules;
}

export interface Decision {
  verdict: SyncVerdict;
  reason?: CannotTellReason;
  offsetMs?: number;
  confidence: number;
  segments: SyncSegment[];
  stretches: Stretch[];
}

/** Less speech of a seen face tells nothing, seconds. */
const LEAST_SPEECH_S = 1;
/** From so much on it isn't for lack of speech that lips and sound don't agree, seconds. */
const ENOUGH_SPEECH_S = 3;
/** Where less of the speech lies in stretches that are sure, those may be chance: share of all speech. */
const LEAST_SURE = 0.6;
/** How far from a stretch's offset its rows' own ones are looked for, whatever the range. */
const NEAR_MS = 1000;
/** A break that lies so near to a cut lies at the cut, seconds. */
const NEAR_CUT_S = 1.2;

export function decide(film: ToDecide): Decision {
  const { rows, lags, rules } = film;
  const none = (reason: CannotTellReason, stretches: Stretch[] = []): Decision => ({
    ...{ verdict: 'cannot_tell', reason, confidence: 0, segments: [], stretches },
  });
  if (!film.anySpeech) return none('no_speech');
  if (!film.anyFace) return none('no_face');
  if (rows.length === 0) return none('too_little');
  const judged = fit(rows, lags, rules.penalties).map((stretch) => judge(stretch, film));
  const sure = judged.filter(({ confidence }) => confidence >= rules.answerFrom);
  const speechS = judged.reduce((sum, one) => sum + one.speechS, 0);
  if (speechS < LEAST_SPEECH_S) return none('too_little');
  const sureS = sure.reduce((sum, one) => sum + one.speechS, 0);
  if (sureS < LEAST_SURE * speechS || sure.length === 0) {
    const stretches = judged.map(({ stretch }) => stretch);
    return {
      ...none(speechS < ENOUGH_SPEECH_S ? 'too_little' : 'no_agreement', stretches),
      ...{ confidence: most(judged) },
    };
  }
  const segments = segmentsOf(sure, film);
  const longest = segments.reduce((best, one) => (one.speechS > best.speechS ? one : best));
  return {
    verdict: verdictOf(segments),
    offsetMs: longest.offsetMs,
    confidence: Math.min(...segments.map(({ confidence }) => confidence)),
    segments,
    stretches: sure.map(({ stretch }) => stretch),
  };
}

interface Judged {
  stretch: Stretch;
  speechS: number;
  confidence: number;
}

function judge(stretch: Stretch, { lags, speaks, rules }: ToDecide): Judged {
  const frames = stretch.rows.reduce((sum, row) => sum + row.frames, 0);
  const peak = stretch.peak;
  let spoken = 0;
  for (const row of stretch.rows) {
    const lateS = ((peak.lag + driftedLags(stretch, row)) * LAG_MS) / 1000;
    const first = row.at * ROW_FRAMES + Math.round(lateS * FRAME_RATE_HZ);
    for (let n = 0; n < ROW_FRAMES; n++) if (speaks(first + n)) spoken += row.frames / ROW_FRAMES;
  }
  // At the end of the range it isn't known whether it goes on.
  const atEdge = Math.abs(peak.lag) >= (lags - 1) / 2 - 1;
  const possible = mostNear(stretch.rows, {
    ...{ lag: Math.round(peak.lag + (lags - 1) / 2), near: NEAR_MS / LAG_MS },
    moveBy: (row) => driftedLags(stretch, row),
  });
  const share = possible > 0 ? peak.score / possible : 0;
  const confidence = atEdge ? 0 : confidenceOf(peak, share, frames / FRAME_RATE_HZ, rules.confidence);
  return { stretch, speechS: spoken / FRAME_RATE_HZ, confidence };
}

const most = (judged: readonly Judged[]): number => Math.max(...judged.map(({ confidence }) => confidence));

/** Over the whole picture: a segment ends in the middle between its last row and the next one's first, or at a cut. */
function segmentsOf(judged: readonly Judged[], { durationS, shotsS }: ToDecide): SyncSegment[] {
  const breaks = judged.slice(1).map(({ stretch }, n) => {
    const middleS = (timeOf(judged[n]!.stretch.rows.at(-1)!) + timeOf(stretch.rows[0]!)) / 2;
    const cut = shotsS.slice(1).find((shotS) => Math.abs(shotS - middleS) <= NEAR_CUT_S);
    return Math.min(durationS, cut ?? middleS);
  });
  return judged.map(({ stretch, speechS, confidence }, n): SyncSegment => {
    const startS = n === 0 ? 0 : breaks[n - 1]!;
    const endS = n === judged.length - 1 ? durationS : breaks[n]!;
    const fromMiddleS = (startS + endS) / 2 - stretch.middleS;
    return {
      ...{ startS, endS, driftPpm: stretch.driftPpm, confidence, speechS },
      offsetMs: stretch.peak.lag * LAG_MS + (fromMiddleS * stretch.driftPpm) / 1000,
    };
  });
}

function verdictOf(segments: readonly SyncSegment[]): SyncVerdict {
  const unnoticed = segments.every(({ offsetMs, driftPpm, startS, endS }) =>
    [-1, 1].every((end) => {
      const ms = offsetMs + (end * ((endS - startS) / 2) * driftPpm) / 1000;
      return ms > -NOTICED_MS.early - OFF_BY_MS && ms < NOTICED_MS.late + OFF_BY_MS;
    }),
  );
  if (unnoticed) return 'in_sync';
  if (segments.length > 1) return 'piecewise';
  return segments[0]!.driftPpm === 0 ? 'offset' : 'drift';
}
