/** What a clip can be rejected for. */
export type FlawReason =
  | 'undecodable'
  | 'no_picture'
  | 'no_sound'
  | 'too_short'
  | 'start_differs'
  | 'length_differs'
  | 'still_picture'
  | 'silent_sound'
  | 'no_face'
  | 'several_faces'
  | 'face_jumps'
  | 'offset';

/** The thresholds of a profile. What is undefined isn't looked at. */
export interface FlawLimits {
  /** `too_short`: the cut is at least so long, seconds. */
  shortestS: number;
  /** `no_sound`: whether a clip without sound is of no use. */
  soundNeeded: boolean;
  /** `start_differs`: picture and sound begin at most so far apart, seconds. */
  startDiffersS: number;
  /** `length_differs`: they are at most so much longer one than the other, seconds. */
  lengthDiffersS: number;
  /** `still_picture`: something moves in at least this share of the steps from frame to frame. */
  movingShare: number | undefined;
  /** `silent_sound`: the loudest tenth of a second reaches this level, dBFS. */
  loudestDb: number | undefined;
  /** `offset`: where the lips of a face tell it, the sound comes at most so early or late, ms. */
  offsetMs: number | undefined;
}

/** One thing that was measured, beside its limit. */
export interface Measure {
  reason: FlawReason;
  measured: number;
  limit: number;
}

/** Thrown where a clip doesn't fit its profile; becomes a result, not an error. */
export class Flawed extends Error {
  override readonly name = 'Flawed';
  readonly reason: FlawReason;
  readonly measure: Measure | undefined;

  constructor(reason: FlawReason, detail: string, measure?: Measure, cause?: unknown) {
    super(detail, { cause });
    this.reason = reason;
    this.measure = measure;
  }
}

/** Holds what is measured to the limits, and keeps it for the result. */
export interface Measures {
  readonly all: readonly Measure[];
  /** @throws Flawed above the limit */
  atMost(reason: FlawReason, measured: number, limit: number, detail: string): void;
  /** @throws Flawed below the limit */
  atLeast(reason: FlawReason, measured: number, limit: number, detail: string): void;
}

export function createMeasures(): Measures {
  const all: Measure[] = [];
  const hold = (reason: FlawReason, measured: number, limit: number, passes: boolean, detail: string) => {
    const measure = { reason, measured, limit };
    if (!passes) throw new Flawed(reason, detail, measure);
    all.push(measure);
  };
  return {
    all,
    atMost: (reason, measured, limit, detail) => hold(reason, measured, limit, measured <= limit, detail),
    atLeast: (reason, measured, limit, detail) => hold(reason, measured, limit, measured >= limit, detail),
  };
}
