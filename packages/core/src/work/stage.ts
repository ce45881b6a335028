import type { Job, ObjectRef } from '@soundstage/contracts';
import type { Logger } from '../telemetry/log.js';
import type { ObjectStore } from '../ports/object-store.js';

/** The two functions of a generated message that stages need. */
export interface MessageType<T> {
  toJSON(message: T): unknown;
  fromJSON(json: unknown): T;
}

export type JobResult = NonNullable<Job['result']>;

/** Which kind of job gives which result: the case names of `Job.result`. */
export type JobKind = JobResult['$case'];

export type ResultOf<Kind extends JobKind> = Extract<JobResult, { $case: Kind }>['value'];

/**
 * One kind of work, pure of transport: what a service does with a spec. Must be idempotent: it may run twice for the
 * same spec, and the second run must not change what the first one made.
 */
export interface Stage<Spec, Kind extends JobKind> {
  /** Also the name of its topic. */
  kind: Kind;
  /** Changes whenever the same spec could give another result: version of code, models, data. Part of the work's key. */
  codeVersion: string;
  /** Names of the steps, in order, with their share of the whole progress. */
  steps: readonly { name: string; share: number }[];
  spec: MessageType<Spec>;
  result: MessageType<ResultOf<Kind>>;
  /** Refuses a wrong spec at once, before a job is made of it. @throws BAD_INPUT */
  check(spec: Spec): void | Promise<void>;
  /** The objects that the spec refers to: must exist, with the hash stated. */
  inputs(spec: Spec): ObjectRef[];
  /**
   * Whether the result depends on more than the spec (a folder's content, what was there before). Such work belongs to
   * its job alone: a second attempt of the job finds what the first one made, another job with an equal spec does not.
   */
  belongsToJob?(spec: Spec): boolean;
  /** How many pieces a process does at a time at least: more than SOUNDSTAGE_CONCURRENCY for work that mostly waits. */
  concurrency?: number;
  /** Longest time for one piece, seconds. Default: SOUNDSTAGE_WORK_TIMEOUT_S. */
  workTimeoutS?: number;
  run(spec: Spec, context: WorkContext): Promise<ResultOf<Kind>>;
  /**
   * For a stage whose models can be exchanged while it serves: what this piece of work is done with, from its key to its
   * manifest, whatever is exchanged meanwhile. Default: `codeVersion` and `run` themselves.
   */
  pin?(spec: Spec): PinnedWork<ResultOf<Kind>>;
}

/** One piece of work with all that it depends on held in place. */
export interface PinnedWork<Result> {
  codeVersion: string;
  run(context: WorkContext): Promise<Result>;
  /** Called once, when the work has ended in whatever way. */
  release(): void;
}

/** A stage of any spec, for lists of them. */
export interface AnyStage extends Omit<Stage<unknown, JobKind>, 'result' | 'run' | 'pin'> {
  result: MessageType<JobResult['value']>;
  run(spec: unknown, context: WorkContext): Promise<JobResult['value']>;
  pin?(spec: unknown): PinnedWork<JobResult['value']>;
}

export interface WorkContext {
  jobId: string;
  /** Aborts on cancellation, on the time limit, and when the process must stop. Hand it to everything that runs long. */
  signal: AbortSignal;
  store: ObjectStore;
  /** Key prefix for this work's outputs: `work/<kind>/<key>`. */
  outputPrefix: string;
  /** An empty folder of this piece of work alone, removed afterwards. */
  scratch: string;
  /** Says how far a step is. May be called as often as one likes. */
  progress: (step: string, fraction: number, message?: string) => void;
  log: Logger;
  /** Passes work on to another service through the queue. @returns the id of the new job */
  submit: (kind: JobKind, specJson: unknown) => Promise<string>;
}
