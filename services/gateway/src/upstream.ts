import {
  makeGenericClientConstructor,
  Metadata,
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { InferenceServiceClient, JobServiceClient, TransferServiceClient } from '@soundstage/contracts';
import {
  channelTo,
  fromServiceError,
  injectTrace,
  ON_BEHALF_OF,
  SoundstageError,
  writeOnBehalfOf,
  type ClientSecurity,
} from '@soundstage/core';
import { service as healthService } from 'grpc-health-check';
import { currentCaller } from './access/current-caller.js';

/** Time for a call that only reads or writes a record. */
export const CALL_TIMEOUT_MS = 15_000;

/** The service behind the gateway. */
export interface Upstream {
  transfer: TransferServiceClient;
  inference: InferenceServiceClient;
  jobs: JobServiceClient;
  /** Asks grpc.health.v1. @throws UNAVAILABLE when it can't be reached or doesn't serve */
  checkHealth(): Promise<void>;
  close(): void;
  /** What is not as it should be with the connection. */
  warning: string | undefined;
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

const HealthClient = makeGenericClientConstructor(healthService, 'Health');

/** @param security the gateway's own token, and whose certificates it takes */
export function connectUpstream(address: string, security: ClientSecurity): Upstream {
  const { credentials, options: own, warning } = channelTo(address, security);
  const options = {
    ...own,
    'grpc.max_receive_message_length': 2 * 2 ** 20,
    // A service that restarts is found again within a second, not after minutes.
    'grpc.max_reconnect_backoff_ms': 1000,
  };
  const transfer = new TransferServiceClient(address, credentials, options);
  const inference = new InferenceServiceClient(address, credentials, options);
  const jobs = new JobServiceClient(address, credentials, options);
  const health = new HealthClient(address, credentials, options);
  return {
    transfer,
    inference,
    jobs,
    warning,
    async checkHealth() {
      const check = (health.check as UnaryMethod<{ service: string }, { status: string }>).bind(health);
      const { status } = await unary(check, { service: '' }, { timeoutMs: 2000 });
      if (status !== 'SERVING') {
        throw new SoundstageError('UNAVAILABLE', 'The inference service is starting or stopping: try again soon.');
      }
    },
    close() {
      for (const client of [transfer, inference, jobs, health]) client.close();
    },
  };
}

/** Metadata that carries the trace on, and for whom the gateway calls. */
export function traceMetadata(): Metadata {
  const metadata = new Metadata();
  const caller = currentCaller();
  if (caller) metadata.set(ON_BEHALF_OF, writeOnBehalfOf(caller));
  for (const [key, value] of Object.entries(injectTrace())) metadata.set(key, value);
  return metadata;
}

/** What a failed call means to a client of the gateway. */
export function upstreamError(error: ServiceError): SoundstageError {
  const known = fromServiceError(error);
  if (known.reason !== 'UNAVAILABLE' || error.metadata?.get('grpc-status-details-bin').length) return known;
  // grpc-js's own words name addresses and sockets, which help nobody in front of a page.
  return new SoundstageError(
    'UNAVAILABLE',
    'The inference service can’t be reached: wait a moment and try again, or start it with ./soundstage up.',
    { cause: error, retryAfterMs: 2000 },
  );
}

/** Makes one call; `signal` cancels it. @throws SoundstageError as the service's google.rpc.Status tells */
export function unary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { signal, timeoutMs = CALL_TIMEOUT_MS }: { signal?: AbortSignal; timeoutMs?: number } = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const call = method(request, traceMetadata(), { deadline: Date.now() + timeoutMs }, (error, response) => {
      signal?.removeEventListener('abort', cancel);
      if (error) reject(upstreamError(error));
      else resolve(response);
    });
    const cancel = () => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
  });
}

/** The messages of a server stream, at the reader's pace; leaving the loop or `signal` cancels the call. */
export async function* messages<Response>(
  call: ClientReadableStream<Response>,
  signal?: AbortSignal,
): AsyncGenerator<Response, void, undefined> {
  const cancel = () => call.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  try {
    for await (const message of call) yield message as Response;
  } catch (error) {
    throw upstreamError(error as ServiceError);
  } finally {
    signal?.removeEventListener('abort', cancel);
    call.cancel();
  }
}
