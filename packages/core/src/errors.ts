/** Why something failed. Each reason maps to one gRPC code, one HTTP status and one exit code. */
export type Reason =
  | 'BAD_INPUT' // the caller's data is wrong: never retried
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'CONFLICT' // somebody else changed it meanwhile
  | 'CANCELLED'
  | 'DEADLINE_EXCEEDED'
  | 'UNAUTHENTICATED' // nobody knows who calls: no token, or one that doesn't hold
  | 'PERMISSION_DENIED' // the caller is known, and may not do this
  | 'QUOTA_EXCEEDED' // the caller has had its share for now
  | 'EXHAUSTED' // disk full, too many at once
  | 'UNAVAILABLE' // a dependency can't be reached or was disturbed
  | 'INTERNAL'; // a defect of ours

/** Which part of the input was wrong, and the limit it broke. */
export interface Violation {
  /** The field, option or file. */
  field: string;
  description: string;
}

export interface SoundstageErrorOptions {
  cause?: unknown;
  /** Whether the same call may succeed later. Default: by reason. */
  retryable?: boolean;
  /** When to try again, if known. */
  retryAfterMs?: number;
  violations?: Violation[];
}

const RETRYABLE: ReadonlySet<Reason> = new Set([
  'CONFLICT',
  'DEADLINE_EXCEEDED',
  'QUOTA_EXCEEDED',
  'EXHAUSTED',
  'UNAVAILABLE',
  'INTERNAL',
]);

/**
 * The one error type of Soundstage. Its message is a sentence that a person can act on: it names the file and the
 * limit and says what to do next.
 */
export class SoundstageError extends Error {
  override readonly name = 'SoundstageError';
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly Violation[];

  constructor(
    readonly reason: Reason,
    message: string,
    options: SoundstageErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryable = options.retryable ?? RETRYABLE.has(reason);
    this.retryAfterMs = options.retryAfterMs;
    this.violations = options.violations ?? [];
  }

  /** Turns anything that was thrown into a SoundstageError; what is one already stays as it is. */
  static from(thrown: unknown): SoundstageError {
    if (thrown instanceof SoundstageError) return thrown;
    if (!isErrorLike(thrown)) return new SoundstageError('INTERNAL', String(thrown), { cause: thrown });
    const code = (thrown as NodeJS.ErrnoException).code;
    if (thrown.name === 'AbortError' || code === 'ABORT_ERR') {
      return new SoundstageError('CANCELLED', 'The work was cancelled.', { cause: thrown });
    }
    if (thrown.name === 'TimeoutError') {
      return new SoundstageError('DEADLINE_EXCEEDED', 'The work took longer than its time limit.', { cause: thrown });
    }
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      return new SoundstageError('EXHAUSTED', 'The disk is full: free some space and try again.', { cause: thrown });
    }
    return new SoundstageError('INTERNAL', thrown.message || thrown.name, { cause: thrown });
  }
}

/** Shorthand for the commonest error: the caller's data is wrong. */
export function badInput(message: string, field?: string, cause?: unknown): SoundstageError {
  return new SoundstageError('BAD_INPUT', message, {
    cause,
    violations: field === undefined ? [] : [{ field, description: message }],
  });
}

/**
 * Exit code of a command or child process: 2 bad input, 3 couldn't be done now. Trainer processes use 42 for bad
 * input, since Python itself exits with 2 on wrong arguments.
 */
export function exitCode(error: SoundstageError): 2 | 3 {
  return error.reason === 'BAD_INPUT' || error.reason === 'NOT_FOUND' || error.reason === 'ALREADY_EXISTS' ? 2 : 3;
}

/** Throws the reason of an aborted signal as a SoundstageError. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw SoundstageError.from(signal.reason);
}

/** Not `instanceof`: an AbortSignal's reason may come from another realm, as it does under jest. */
function isErrorLike(thrown: unknown): thrown is Error {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown && 'message' in thrown;
}
