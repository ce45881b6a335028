import {
  status,
  type handleUnaryCall,
  type handleServerStreamingCall,
  type handleClientStreamingCall,
} from '@grpc/grpc-js';
import type { ServerSurfaceCall } from '@grpc/grpc-js/build/src/server-call.js';
import type { Caller } from '../auth/caller.js';
import type { Gate } from '../auth/gate.js';
import { SoundstageError } from '../errors.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { extractTrace, inSpan, SpanKind } from '../telemetry/trace.js';
import { toStatus } from './status.js';

/** What a handler may need of its call. */
export interface CallContext {
  /** Aborts when the client cancels, goes away, or its deadline passes. */
  signal: AbortSignal;
  /** Undefined where callers needn't show who they are. */
  caller: Caller | undefined;
}

export interface HandlerOptions {
  log: Logger;
  metrics: Metrics;
  /** Knows who calls, and writes down what they do. */
  gate?: Gate;
}

/** A call that only asks or notes something has done it by then, whatever its client allows it. */
const UNARY_LIMIT_MS = 10 * 60_000;
/** A client that sends a stream and then nothing keeps others from sending theirs. */
const SILENCE_LIMIT_MS = 60_000;

/**
 * Wraps plain async functions as gRPC handlers: errors become rich statuses, cancellation and deadlines an
 * AbortSignal, every call a span and a metric.
 */
export function createHandlers({ log, metrics, gate }: HandlerOptions) {
  async function around<Response>(
    method: string,
    call: ServerSurfaceCall,
    request: unknown,
    work: (context: CallContext) => Promise<Response>,
  ): Promise<Response> {
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
    const made = { method, request, caller: gate?.callerOf(call.metadata), from: call.getPeer(), startMs: Date.now() };
    const parent = call.metadata.get('traceparent')[0];
    const end = metrics.callSeconds.startTimer({ method });
    try {
      const response = await inSpan(
        method,
        {
          kind: SpanKind.SERVER,
          parent: extractTrace(typeof parent === 'string' ? { traceparent: parent } : {}),
          attributes: { 'rpc.system': 'grpc', 'rpc.method': method },
        },
        async () => {
          await gate?.begin(made);
          return work({ signal: abort.signal, caller: made.caller });
        },
      );
      await gate?.end(made, { response });
      end({ code: 'OK' });
      return response;
    } catch (thrown) {
      const error = SoundstageError.from(abort.signal.aborted ? abort.signal.reason : thrown);
      end({ code: status[toStatus(error).code ?? status.UNKNOWN] ?? 'UNKNOWN' });
      if (error.reason === 'INTERNAL') log.error({ err: thrown, method }, 'call broke');
      else log.debug({ err: error, method }, 'call refused');
      await gate?.end(made, { error });
      throw error;
    }
  }

  return {
    unary<Request, Response>(
      method: string,
      handle: (request: Request, context: CallContext) => Promise<Response>,
    ): handleUnaryCall<Request, Response> {
      return (call, callback) => {
        around(method, call, call.request, (context) =>
          within(UNARY_LIMIT_MS, handle(call.request, context), `${method} took too long`),
        ).then(
          (response) => callback(null, response),
          (error: unknown) => callback(toStatus(error)),
        );
      };
    },

    /** The handler yields; a slow client slows it down. */
    serverStream<Request, Response>(
      method: string,
      handle: (request: Request, context: CallContext) => AsyncIterable<Response>,
    ): handleServerStreamingCall<Request, Response> {
      return (call) => {
        around(method, call, call.request, async (context) => {
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
        around(method, call, undefined, (context) => handle(unlessSilent(call, method), context)).then(
          (response) => callback(null, response),
          (error: unknown) => callback(toStatus(error)),
        );
      };
    },
  };
}

export type Handlers = ReturnType<typeof createHandlers>;

/** @throws DEADLINE_EXCEEDED where it isn't there in time; what goes on then goes on unheard */
async function within<T>(limitMs: number, work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new SoundstageError('DEADLINE_EXCEEDED', `${what}: ${limitMs / 1000} s have passed.`);
    timer = setTimeout(() => reject(error), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A stream's messages, as long as they come. Time in which nobody asks for one doesn't count. */
async function* unlessSilent<Request>(call: AsyncIterable<Request>, method: string): AsyncGenerator<Request> {
  const messages = call[Symbol.asyncIterator]();
  for (;;) {
    const next = await within(SILENCE_LIMIT_MS, messages.next(), `${method} waited for the client's next message`);
    if (next.done) return;
    yield next.value;
  }
}
