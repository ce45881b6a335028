import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { type Any, rpcErrorDetails, rpcStatus } from '@soundstage/contracts';
import { SoundstageError, type Reason, type Violation } from '../errors.js';

const { BadRequest, ErrorInfo, RetryInfo } = rpcErrorDetails;

/** Metadata key under which gRPC carries a google.rpc.Status. */
const DETAILS_KEY = 'grpc-status-details-bin';
const DOMAIN = 'soundstage';

const CODES: Record<Reason, status> = {
  BAD_INPUT: status.INVALID_ARGUMENT,
  NOT_FOUND: status.NOT_FOUND,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
  CONFLICT: status.ABORTED,
  CANCELLED: status.CANCELLED,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  QUOTA_EXCEEDED: status.RESOURCE_EXHAUSTED,
  EXHAUSTED: status.RESOURCE_EXHAUSTED,
  UNAVAILABLE: status.UNAVAILABLE,
  INTERNAL: status.INTERNAL,
};

/** Of a status without details. A code that two reasons share means the later one. */
const REASONS = new Map(Object.entries(CODES).map(([reason, code]) => [code, reason as Reason]));

const pack = (name: string, value: Uint8Array): Any => ({
  typeUrl: `type.googleapis.com/google.rpc.${name}`,
  value: Buffer.from(value),
});

/**
 * What a client gets to see of an error: a google.rpc.Status with ErrorInfo, and BadRequest or RetryInfo where they
 * apply. Defects of ours show their kind only; their details belong in the log.
 */
export function toStatus(thrown: unknown): Partial<StatusObject> {
  const error = SoundstageError.from(thrown);
  const code = CODES[error.reason];
  const message =
    error.reason === 'INTERNAL' ? 'Something broke inside the service; its log tells more.' : error.message;
  const details: Any[] = [
    pack('ErrorInfo', ErrorInfo.encode({ reason: error.reason, domain: DOMAIN, metadata: {} }).finish()),
  ];
  if (error.violations.length > 0) {
    const fieldViolations = error.violations.map(({ field, description }) => ({
      field,
      description,
      reason: '',
      localizedMessage: undefined,
    }));
    details.push(pack('BadRequest', BadRequest.encode(BadRequest.fromPartial({ fieldViolations })).finish()));
  }
  if (error.retryable && error.reason !== 'INTERNAL') {
    const ms = error.retryAfterMs ?? 1000;
    const retryDelay = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
    details.push(pack('RetryInfo', RetryInfo.encode({ retryDelay }).finish()));
  }
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(rpcStatus.Status.encode({ code, message, details }).finish()));
  return { code, details: message, metadata };
}

/** The other way: what a client makes of a failed call. */
export function fromServiceError(error: ServiceError): SoundstageError {
  const violations: Violation[] = [];
  let retryAfterMs: number | undefined;
  let reason = REASONS.get(error.code) ?? 'INTERNAL';
  const [encoded] = error.metadata?.get(DETAILS_KEY) ?? [];
  if (Buffer.isBuffer(encoded)) {
    for (const detail of rpcStatus.Status.decode(encoded).details) {
      if (detail.typeUrl.endsWith('google.rpc.ErrorInfo')) {
        const stated = ErrorInfo.decode(detail.value).reason;
        if (stated in CODES) reason = stated as Reason;
      } else if (detail.typeUrl.endsWith('google.rpc.BadRequest')) {
        violations.push(...BadRequest.decode(detail.value).fieldViolations);
      } else if (detail.typeUrl.endsWith('google.rpc.RetryInfo')) {
        const delay = RetryInfo.decode(detail.value).retryDelay;
        if (delay) retryAfterMs = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
      }
    }
  }
  return new SoundstageError(reason, error.details || error.message, {
    cause: error,
    violations: violations.map(({ field, description }) => ({ field, description })),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
