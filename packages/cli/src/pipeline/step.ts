import type { RejectedClip } from '@soundstage/contracts';
import type { AskOptions } from '../connect/ask.js';
import type { Connection } from '../connect/connect.js';
import type { StepName } from './fingerprint.js';

/** A clip that a step refused. Its name in the run is its path or address. */
export type Refused = Pick<RejectedClip, 'id' | 'sourceId' | 'label' | 'reason' | 'message'>;

/** What a step made. `value` is plain JSON: it is kept, and what follows works on it. */
export interface StepOutcome<T> {
  value: T;
  /** Pieces of work: clips, cuts, trainings. */
  done: number;
  /** How many of them an earlier run had done. */
  cached: number;
  refused: readonly Refused[];
}

/** How far a step is. */
export interface StepProgress {
  done: number;
  total: number;
  refused: number;
  /** What is happening, in words. */
  message?: string;
}

/** What a step works with. */
export interface StepTools extends Pick<AskOptions, 'startedAt' | 'fresh' | 'signal' | 'retryRefused'> {
  connection: () => Promise<Connection>;
  /** How many clips are on their way at a time. */
  inFlight: number;
  progress: (progress: StepProgress) => void;
  /** Notes something before work begins, so that a later run of the same step finds the same. */
  noteOnce: (what: string, value: () => Promise<string>) => Promise<string>;
}

/** A step of a pipeline with all that it depends on. */
export interface Step<T> {
  name: StepName;
  /** What the person is told that it does: `preprocess with regnet`. */
  title: string;
  /** Everything that the result depends on but the code, as JSON: equal inputs give equal results. */
  inputs: unknown;
  /** The recipe has no such step: what comes in goes on as it is, and nobody is told. */
  idle?: boolean;
  /** A step that must be done again in each run: what it looks at may have changed. */
  always?: boolean;
  work: (tools: StepTools) => Promise<StepOutcome<T>>;
}

/** How a step ended, for people and programs. */
export interface StepReport {
  name: StepName;
  title: string;
  /** `cached`: nothing was done, an earlier run's result stands. */
  state: 'done' | 'cached' | 'failed' | 'not_reached';
  done: number;
  cached: number;
  refused: readonly Refused[];
  seconds: number;
}
