import { SoundstageError } from '@soundstage/core/errors';

/** The codes of gRPC that occur here, https://grpc.io/docs/guides/status-codes/ */
export const GrpcCode = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  ABORTED: 10,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** What may pass by itself. A call that was cancelled by a closing connection comes as CANCELLED too. */
const PASSING: ReadonlySet<number> = new Set([
  GrpcCode.CANCELLED,
  GrpcCode.UNKNOWN,
  GrpcCode.DEADLINE_EXCEEDED,
  GrpcCode.RESOURCE_EXHAUSTED,
  GrpcCode.ABORTED,
  GrpcCode.INTERNAL,
  GrpcCode.UNAVAILABLE,
]);

export function grpcCode(thrown: unknown): number | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
}

export function isPassing(thrown: unknown): boolean {
  return PASSING.has(grpcCode(thrown) ?? -1);
}

/** Turns an error of the client library into one that says what was done to what, and what to do next. */
export function pubsubError(thrown: unknown, what: string): SoundstageError {
  const code = grpcCode(thrown);
  if (thrown instanceof SoundstageError || code === undefined) return SoundstageError.from(thrown);
  const options = { cause: thrown };
  const said = (thrown as Error).message;
  switch (code) {
    case GrpcCode.NOT_FOUND:
      return new SoundstageError(
        'UNAVAILABLE',
        `Pub/Sub has no such thing: ${what}. Run "soundstage queue init".`,
        options,
      );
    case GrpcCode.PERMISSION_DENIED:
    case GrpcCode.UNAUTHENTICATED:
      return new SoundstageError(
        'UNAVAILABLE',
        `Pub/Sub refused to ${what} (${said}): give this service account the roles that docs/gcp.md names, or run "soundstage queue init" with one that has them.`,
        { ...options, retryable: false },
      );
    case GrpcCode.RESOURCE_EXHAUSTED:
      return new SoundstageError(
        'EXHAUSTED',
        `A quota of Pub/Sub is used up, so it can't ${what}: try later.`,
        options,
      );
    default:
      return isPassing(thrown)
        ? new SoundstageError('UNAVAILABLE', `Pub/Sub can't be reached to ${what} (${said}): try again.`, options)
        : new SoundstageError('INTERNAL', `Pub/Sub failed to ${what}: ${said}.`, { ...options, retryable: false });
  }
}
