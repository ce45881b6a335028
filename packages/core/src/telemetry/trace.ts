import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { withoutSecrets } from './without-secrets.js';

export type TraceCarrier = Record<string, string>;

let provider: TracerProvider | undefined;

/**
 * Turns tracing on for this process. Spans always have ids, so that log lines can be tied together; they are sent over
 * OTLP/HTTP only when an endpoint is given. The spans are our own, made where work begins, so no module patching (and
 * no loader hook for ES modules) is needed.
 */
export function startTracing(options: { service: string; otlpEndpoint?: string | undefined }): void {
  if (provider) return;
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.service }),
    spanProcessors: options.otlpEndpoint
      ? [
          new BatchSpanProcessor({
            exporter: new OTLPTraceExporter({ url: `${options.otlpEndpoint.replace(/\/$/, '')}/v1/traces` }),
          }),
        ]
      : [],
  });
  trace.setGlobalTracerProvider(provider);
}

/** Sends what is still waiting. Never throws: telemetry must not break a shutdown. */
export async function flushTracing(): Promise<void> {
  await provider?.forceFlush().catch(() => undefined);
}

/** The W3C `traceparent` of the active span, to be carried in a message or in gRPC metadata. */
export function injectTrace(): TraceCarrier {
  const carrier: TraceCarrier = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** The context that a carrier describes; the root context where it has none. */
export function extractTrace(carrier: Readonly<Record<string, string>>): Context {
  return propagation.extract(ROOT_CONTEXT, carrier);
}

export function activeTraceId(): string {
  return trace.getActiveSpan()?.spanContext().traceId ?? '';
}

/** Runs `work` inside a span; what it throws is recorded on the span and thrown on. */
export async function inSpan<T>(
  name: string,
  options: {
    parent?: Context;
    kind?: SpanKind;
    attributes?: Record<string, string | number | boolean>;
  },
  work: () => Promise<T>,
): Promise<T> {
  const tracer = trace.getTracer('soundstage');
  const { parent = context.active(), ...rest } = options;
  return tracer.startActiveSpan(name, rest, parent, async (span) => {
    try {
      return await work();
    } catch (error) {
      const { name, message } = error as Error;
      span.recordException({ name, message: withoutSecrets(message) });
      span.setStatus({ code: SpanStatusCode.ERROR, message: withoutSecrets(message) });
      throw error;
    } finally {
      span.end();
    }
  });
}

export { SpanKind };
