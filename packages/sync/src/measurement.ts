/** What can be said of how picture and sound lie to each other. */
export type SyncVerdict = 'in_sync' | 'offset' | 'drift' | 'piecewise' | 'cannot_tell';

/**
 * Why nothing can be told: no face that is large and frontal enough; nobody speaks; too little speech of a face in the
 * picture; or faces and speech, but the lips don't move with it anywhere in the range (someone off screen speaks, the
 * film is dubbed, the sound is another's).
 */
export type CannotTellReason = 'no_face' | 'no_speech' | 'too_little' | 'no_agreement';

/** A stretch of the film, in seconds of its picture, whose offset is constant or drifts evenly. */
export interface SyncSegment {
  startS: number;
  endS: number;
  /** At the segment's middle. Positive: the sound comes late. */
  offsetMs: number;
  /** By how many microseconds the offset grows each second. 0 where it is constant. */
  driftPpm: number;
  /** How likely the offset is right within 80 ms, 0 to 1, calibrated. */
  confidence: number;
  /** Seconds of speech of a face in the picture that it was measured on. */
  speechS: number;
}

/** A face that was followed through a shot. Places are shares of the picture's width and height. */
export interface SeenFace {
  startS: number;
  endS: number;
  /** x, y, width, height of its box at a few times, at most two a second. */
  boxes: readonly { timeS: number; x: number; y: number; width: number; height: number }[];
  /** Seconds in which it is taken for the one who speaks. */
  speaksS: number;
}

/** What the measurement rests on, to be looked at. */
export interface SyncEvidence {
  /** Offsets that were tried, in ms, even steps. */
  offsetsMs: readonly number[];
  /** How well lips and sound agree at each offset, over the whole film after `segments` are taken out where it is piecewise: 1 is the best, 0 the mean. */
  curve: readonly number[];
  /** The same by time: at most 600 rows. */
  map: readonly { timeS: number; scores: readonly number[] }[];
  faces: readonly SeenFace[];
  /** Where shots begin, the first at 0. */
  shotsS: readonly number[];
  /** Where somebody speaks, seen or not. */
  speech: readonly { startS: number; endS: number }[];
}

/** How picture and sound of a file lie to each other. */
export interface SyncMeasurement {
  verdict: SyncVerdict;
  /** With `cannot_tell` alone. */
  reason?: CannotTellReason;
  /** One sentence for people: what was found, or why nothing can be told. */
  detail: string;
  /** The offset at the middle of the film, or that of the segment with most speech. Absent where nothing can be told. */
  offsetMs?: number;
  /** 0 to 1, calibrated; 0 where nothing can be told. */
  confidence: number;
  /** In order, without gaps, over the whole picture; empty where nothing can be told. One, unless it is `piecewise`. */
  segments: readonly SyncSegment[];
  /** Length of the picture. */
  durationS: number;
  warnings: readonly string[];
  evidence: SyncEvidence;
}
