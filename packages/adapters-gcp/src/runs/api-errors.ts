import type { IncomingHttpHeaders } from 'node:http';
import { SoundstageError } from '@soundstage/core/errors';

/** An answer of the Kubernetes API that is none. */
export class KubernetesHttpError extends Error {
  constructor(
    readonly call: ApiCall,
    readonly status: number,
    readonly said: string,
    readonly retryAfterMs?: number,
  ) {
    super(`HTTP ${status}: ${said}`);
  }

  /** @param body a `Status` object as the API gives it, or what a proxy says */
  static of(call: ApiCall, status: number, headers: IncomingHttpHeaders, body: string): KubernetesHttpError {
    let said = body.slice(0, 500);
    try {
      said = (JSON.parse(body) as { message?: string }).message ?? said;
    } catch {
      // Not JSON: what a proxy says.
    }
    return new KubernetesHttpError(call, status, said.trim(), retryAfterOf(headers['retry-after']));
  }
}

/** The connection broke, or nothing came over it for too long. */
export class KubernetesLineError extends Error {
  constructor(
    readonly call: ApiCall,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What one call does, for the sentences of errors. */
export interface ApiCall {
  verb: 'create' | 'get' | 'list' | 'watch' | 'patch' | 'delete';
  resource: 'jobs' | 'pods' | 'pods/log';
  namespace: string;
  /** The object, where it is one. */
  name?: string;
}

const PASSING: ReadonlySet<number> = new Set([408, 410, 429]);

export function httpStatus(thrown: unknown): number | undefined {
  return thrown instanceof KubernetesHttpError ? thrown.status : undefined;
}

/** Whether another try may do better; a number is the pause that the server asked for, milliseconds. */
export function mayPass(thrown: unknown): boolean | number {
  if (thrown instanceof KubernetesLineError) return true;
  const status = httpStatus(thrown);
  if (status === undefined || !(PASSING.has(status) || status >= 500)) return false;
  return (thrown as KubernetesHttpError).retryAfterMs ?? true;
}

/** Turns what a call ended in into an error that says what was done to what, and what to do next. */
export function kubernetesError(thrown: unknown): SoundstageError {
  if (!(thrown instanceof KubernetesHttpError || thrown instanceof KubernetesLineError))
    return SoundstageError.from(thrown);
  const { call } = thrown;
  if (thrown instanceof KubernetesLineError) {
    return new SoundstageError(
      'UNAVAILABLE',
      `The Kubernetes API can't be reached to ${sentence(call)} (${thrown.message}): try again.`,
      { cause: thrown },
    );
  }
  const { status, said, retryAfterMs } = thrown;
  const options = { cause: thrown, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const final = { ...options, retryable: false };
  // `User "system:serviceaccount:NAMESPACE:NAME" cannot create resource "jobs" …`
  const account = /User "([^"]+)"/.exec(said)?.[1] ?? "this process's account";
  switch (status) {
    case 401:
      return new SoundstageError(
        'UNAVAILABLE',
        `The Kubernetes API doesn't know who wants to ${sentence(call)} (${said}): check the token of ${account}, or log in again.`,
        final,
      );
    case 403:
      // A quota is refused with 403, too, and may be free later.
      if (said.includes('exceeded quota')) {
        return new SoundstageError(
          'EXHAUSTED',
          `A quota of the namespace ${call.namespace} is used up: ${said}.`,
          options,
        );
      }
      return new SoundstageError(
        'UNAVAILABLE',
        `Kubernetes doesn't allow ${account} to ${sentence(call)} (${said}): give it a Role in ${call.namespace} with the verb ${call.verb} on ${call.resource}, as docs/kubernetes-runs.md lists them.`,
        final,
      );
    case 404:
      return new SoundstageError('NOT_FOUND', `Kubernetes has nothing there to ${sentence(call)} (${said}).`, options);
    case 409:
      return new SoundstageError('CONFLICT', `Somebody else was faster to ${sentence(call)} (${said}).`, options);
    case 413:
    case 400:
    case 422:
      return new SoundstageError('BAD_INPUT', `Kubernetes refused to ${sentence(call)}: ${said}.`, options);
    case 429:
      return new SoundstageError(
        'EXHAUSTED',
        `The Kubernetes API is asked too much to ${sentence(call)} (${said}): try later.`,
        options,
      );
    default:
      return mayPass(thrown) === false
        ? new SoundstageError('INTERNAL', `Kubernetes refused to ${sentence(call)} (${thrown.message}).`, final)
        : new SoundstageError(
            'UNAVAILABLE',
            `The Kubernetes API failed to ${sentence(call)} (${thrown.message}): try again.`,
            options,
          );
  }
}

function sentence({ verb, resource, namespace, name }: ApiCall): string {
  return `${verb} ${resource}${name === undefined ? '' : ` ${name}`} in the namespace ${namespace}`;
}

/** Seconds or a date, RFC 9110 10.2.3. */
function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
