import {
  status,
  type handleUnaryCall,
  type handleServerStreamingCall,
  type handleClientStreamingCall,
} from '@grpc/grpc-js';
import type { ServerSurfaceCall } from '@grpc/grpc-js/build/src/server-call.js';
import { SoundstageError } from '../errors.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { extractTrace, inSpan, SpanKind } from '../telemetry/trace.js';
import { toStatus } from './status.js';

/** What a handler may need of its call. */
export interface CallContext {
  /** Aborts when the client cancels, goes away, or its deadline passes. */
  signal: AbortSignal;
}

export interface HandlerOptions {
  log: Logger;
  metrics: Metrics;
}

/**
 * Wraps plain async functions as gRPC handlers: errors become rich statuses, cancellation and deadlines an
 * AbortSignal, every call a span and a metric.
 */
export function createHandlers({ log, metrics }: HandlerOptions) {
  async function around(
    method: string,
    call: ServerSurfaceCall,
    work: (context: CallContext) => Promise<void>,
  ): Promise<void> {
    const abort = new AbortController();
    call.on('cancelled', () => {
      // grpc-js ends a call whose deadline has passed in the same way as one that the client has cancelled.
      const deadline = call.getDeadline();
      const late = deadline !== Infinity && Number(deadline) <= Date.now();
      abort.abort(
        late
          ? new SoundstageError('DEADLINE_EXCEEDED', `${method} took longer than the call's deadline.`)
          : new SoundstageError('CANCELLED', `${method} was cancelled by the client.`),
      );
    });
    const parent = call.metadata.get('traceparent')[0];
    const end = metrics.callSeconds.startTimer({ method });
    try {
      await inSpan(
        method,
        {
          kind: SpanKind.SERVER,
          parent: extractTrace(typeof parent === 'string' ? { traceparent: parent } : {}),
          attributes: { 'rpc.system': 'grpc', 'rpc.method': method },
        },
        () => work({ signal: abort.signal }),
      );
      end({ code: 'OK' });
    } catch (thrown) {
      const error = SoundstageError.from(abort.signal.aborted ? abort.signal.reason : thrown);
      end({ code: status[toStatus(error).code ?? status.UNKNOWN] ?? 'UNKNOWN' });
      if (error.reason === 'INTERNAL') log.error({ err: thrown, method }, 'call broke');
      else log.debug({ err: error, method }, 'call refused');
      throw error;
    }
  }

  return {
    unary<Request, Response>(
      method: string,
      handle: (request: Request, context: CallContext) => Promise<Response>,
    ): handleUnaryCall<Request, Response> {
      return (call, callback) => {
        around(method, call, async (context) => {
          callback(null, await handle(call.request, context));
        }).catch((error: unknown) => callback(toStatus(error)));
      };
    },

    /** The handler yields; a slow client slows it down. */
    serverStream<Request, Response>(
      method: string,
      handle: (request: Request, context: CallContext) => AsyncIterable<Response>,
    ): handleServerStreamingCall<Request, Response> {
      return (call) => {
        around(method, call, async (context) => {
          for await (const response of handle(call.request, context)) {
            if (call.write(response)) continue;
            await new Promise<void>((resolve, reject) => {
              call.once('drain', resolve);
              context.signal.addEventListener('abort', () => reject(context.signal.reason as Error), { once: true });
            });
          }
          call.end();
        }).catch((error: unknown) => call.emit('error', toStatus(error)));
      };
    },

    clientStream<Request, Response>(
      method: string,
      handle: (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>,
    ): handleClientStreamingCall<Request, Response> {
      return (call, callback) => {
        around(method, call, async (context) => {
          callback(null, await handle(call as AsyncIterable<Request>, context));
        }).catch((error: unknown) => callback(toStatus(error)));
      };
    },
  };
}

export type Handlers = ReturnType<typeof createHandlers>;
