import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { KubeConfig } from '@kubernetes/client-node';
import { SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import { withRetry } from '../retry.js';
import { KubernetesHttpError, KubernetesLineError, kubernetesError, mayPass, type ApiCall } from './api-errors.js';

type Call = Omit<ApiCall, 'namespace'>;

/** What is sent with a call. */
export interface ApiRequest {
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON; with `patch`, as a merge patch (RFC 7386). */
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/**
 * The Kubernetes API, as far as runs need it. Credentials, TLS and proxies are those of Google's and everybody's client
 * library. The requests are made here: its Watch drops what it can't parse and its Log hides why it failed, and both
 * leave out what a 429 asks for.
 */
export interface ApiClient {
  readonly namespace: string;
  /**
   * One call, tried again with growing pauses while it may help.
   *
   * @throws KubernetesHttpError for an answer that is none; SoundstageError UNAVAILABLE, CANCELLED
   */
  call<T>(call: Call, request?: ApiRequest): Promise<T>;
  /** Opens an answer that goes on: a watch, a log. Tried once. @throws KubernetesHttpError, KubernetesLineError */
  open(call: Call, request?: ApiRequest): Promise<IncomingMessage>;
  /** An error in words that say what to do. */
  explain(thrown: unknown): SoundstageError;
}

export interface ApiClientOptions {
  config: KubeConfig;
  namespace: string;
  /** No further try begins after so long. */
  retryMs: number;
}

/** One try that takes longer has failed. */
const CALL_MS = 30_000;

export function createApiClient({ config, namespace, retryMs }: ApiClientOptions): ApiClient {
  async function send(call: Call, { query = {}, body, signal }: ApiRequest): Promise<IncomingMessage> {
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) throw new SoundstageError('BAD_INPUT', 'The Kubernetes configuration names no cluster.');
    const url = new URL(server.replace(/\/$/, '') + pathOf(call, namespace));
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const content = body === undefined ? undefined : JSON.stringify(body);
    const type = call.verb === 'patch' ? 'application/merge-patch+json' : 'application/json';
    const options: RequestOptions = {
      method: METHODS[call.verb],
      headers: {
        accept: 'application/json, */*',
        'user-agent': 'soundstage',
        ...(content === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(content) }),
      },
    };
    await config.applyToHTTPSOptions(options).catch((cause: unknown) => {
      const said = `The credentials of the Kubernetes API can't be used (${(cause as Error).message}): check KUBECONFIG.`;
      throw new SoundstageError('UNAVAILABLE', said, { cause, retryable: false });
    });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      ...options,
      ...(signal ? { signal } : {}),
    });
    outgoing.once('response', resolve).once('error', reject).end(content);
    const answer = await promise.catch((cause: unknown) => {
      throwIfAborted(signal);
      throw new KubernetesLineError({ ...call, namespace }, (cause as Error).message, { cause });
    });
    if (answer.statusCode! < 300) return answer;
    throw KubernetesHttpError.of(
      { ...call, namespace },
      answer.statusCode!,
      answer.headers,
      await text(answer).catch(() => ''),
    );
  }

  return {
    namespace,

    async call<T>(call: Call, request: ApiRequest = {}): Promise<T> {
      const once = async () => {
        const limit = AbortSignal.timeout(CALL_MS);
        const signal = request.signal ? AbortSignal.any([request.signal, limit]) : limit;
        try {
          return JSON.parse(await text(await send(call, { ...request, signal }))) as T;
        } catch (thrown) {
          throwIfAborted(request.signal);
          if (limit.aborted)
            throw new KubernetesLineError({ ...call, namespace }, `no answer within ${CALL_MS / 1000} s`, {
              cause: thrown,
            });
          // A body that broke off, or that isn't the JSON that it says it is.
          if (thrown instanceof KubernetesHttpError || thrown instanceof KubernetesLineError) throw thrown;
          if (thrown instanceof SoundstageError) throw thrown;
          throw new KubernetesLineError({ ...call, namespace }, (thrown as Error).message, { cause: thrown });
        }
      };
      return withRetry(once, mayPass, { limitMs: retryMs, signal: request.signal });
    },

    open: (call, request = {}) => send(call, request),

    explain: kubernetesError,
  };
}

const METHODS = { create: 'POST', get: 'GET', list: 'GET', watch: 'GET', patch: 'PATCH', delete: 'DELETE' } as const;

function pathOf({ resource, name }: Call, namespace: string): string {
  const [group, kind, part] =
    resource === 'jobs' ? ['/apis/batch/v1', 'jobs', ''] : ['/api/v1', 'pods', resource.slice(5)];
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `${group}/namespaces/${encodeURIComponent(namespace)}/${kind}${object}${part === '' ? '' : `/${part}`}`;
}
