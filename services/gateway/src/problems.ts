import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { SoundstageError, type Reason, type Violation } from '@soundstage/core';
import type { Problem } from './api-types.js';

const STATUS: Record<Reason, number> = {
  BAD_INPUT: 400,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  CONFLICT: 409,
  CANCELLED: 409,
  DEADLINE_EXCEEDED: 504,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  QUOTA_EXCEEDED: 429,
  EXHAUSTED: 503,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

const TITLES: Record<Reason, string> = {
  BAD_INPUT: 'That can’t be used as it is',
  NOT_FOUND: 'Not found',
  ALREADY_EXISTS: 'Already there',
  CONFLICT: 'Changed by somebody else',
  CANCELLED: 'Cancelled',
  DEADLINE_EXCEEDED: 'It took too long',
  UNAUTHENTICATED: 'Log in first',
  PERMISSION_DENIED: 'Not allowed',
  QUOTA_EXCEEDED: 'Too much at once',
  EXHAUSTED: 'No room at the moment',
  UNAVAILABLE: 'Not available at the moment',
  INTERNAL: 'Something broke',
};

/** An error whose HTTP status is narrower than its reason tells, 413 or 415 for example. */
export class HttpError extends SoundstageError {
  constructor(
    readonly statusCode: number,
    reason: Reason,
    message: string,
    violations: Violation[] = [],
  ) {
    super(reason, message, { violations });
  }
}

export function toProblem(thrown: unknown, instance: string): Problem {
  const error = fromFastify(thrown) ?? SoundstageError.from(thrown);
  const hidden = error.reason === 'INTERNAL';
  return {
    type: `urn:soundstage:problem:${error.reason.toLowerCase().replaceAll('_', '-')}`,
    title: TITLES[error.reason],
    status: error instanceof HttpError ? error.statusCode : STATUS[error.reason],
    detail: hidden ? 'Something broke inside the service; its log tells more.' : error.message,
    instance,
    reason: error.reason,
    ...(error.violations.length > 0 ? { violations: [...error.violations] } : {}),
    ...(error.retryable && !hidden ? { retryAfterS: Math.ceil((error.retryAfterMs ?? 1000) / 1000) } : {}),
  };
}

/** Fastify's own refusals (validation, wrong content type, body too large) in the words of the house. */
function fromFastify(thrown: unknown): SoundstageError | undefined {
  const { statusCode, validation, validationContext, message } = thrown as Partial<FastifyError>;
  if (thrown instanceof SoundstageError || typeof statusCode !== 'number' || statusCode >= 500) return undefined;
  const violations = (validation ?? []).map((v) => ({
    field: v.instancePath.replace(/^\//, '').replaceAll('/', '.') || (validationContext ?? 'request'),
    description: v.message ?? 'is wrong',
  }));
  return new HttpError(statusCode, statusCode === 404 ? 'NOT_FOUND' : 'BAD_INPUT', `${message}.`, violations);
}

/** Answers with problem+json; what broke by our own fault goes into the log in full. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(thrown, request.url.split('?')[0] ?? '/');
  if (problem.status >= 500) request.log.error({ err: thrown }, 'request failed');
  if (problem.retryAfterS !== undefined) reply.header('retry-after', problem.retryAfterS);
  if (reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  // Serialised here: the route's response schemas must not cut anything off.
  void reply
    .code(problem.status)
    .removeHeader('content-length')
    .removeHeader('content-disposition')
    .type('application/problem+json')
    .serializer((body) => String(body))
    .send(JSON.stringify(problem));
}
