/**
 * Runs a program to its end, beside the service: a training run for example. Adapters: a child process
 * (adapters-local), a Kubernetes Job (adapters-gcp). Contract: `jobRunnerContract` in
 * `@soundstage/core/contract-tests`.
 */
export interface JobRunner {
  /** Starts a program. Idempotent by name: a run of that name that exists, running or ended, is left as it is. */
  start(spec: RunSpec): Promise<void>;

  /**
   * The lines that the run has printed since its start, then its end, as they come. A run that was started by a
   * process that died can be followed too. Lines are in order within one stream; a line of more than 64 KiB comes in
   * parts.
   *
   * @throws NOT_FOUND; CANCELLED when `signal` is aborted
   */
  follow(name: string, signal?: AbortSignal): AsyncIterable<RunEvent>;

  /**
   * Stops a run with all its children: SIGTERM, then SIGKILL after the grace period. Resolves when it has ended. To
   * cancel an ended run is no error.
   *
   * @throws NOT_FOUND
   */
  cancel(name: string): Promise<void>;

  /** Forgets an ended run and its output; to remove what isn't there is no error. @throws CONFLICT while it runs */
  remove(name: string): Promise<void>;
}

export interface RunSpec {
  /** `[a-z0-9-]`, at most 52 characters, with no `-` at either end. */
  name: string;
  command: string;
  args: readonly string[];
  /** Added to a small environment of the runner's own (PATH, HOME, language, temporary folder). */
  env?: Record<string, string>;
  /** Working folder; the runner makes one where it isn't given. */
  cwd?: string;
  /** The run is stopped after so long, as by `cancel`, and ends as failed with the reason. */
  timeoutS?: number;
  needsGpu?: boolean;
}

export type RunEvent =
  { type: 'line'; stream: 'stdout' | 'stderr'; text: string } | { type: 'end'; outcome: RunOutcome };

export type RunOutcome =
  | { state: 'succeeded' }
  /** `exitCode` 42 is bad input by convention: never retried. */
  | { state: 'failed'; exitCode: number | null; signal: string | null; reason: string }
  | { state: 'cancelled' }
  /** The machine or process that ran it was taken away: not the run's fault. */
  | { state: 'disrupted' };
