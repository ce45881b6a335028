import { trace } from '@opentelemetry/api';
import { pino, type Logger } from 'pino';
import { withoutSecrets } from './without-secrets.js';

export type { Logger };

/**
 * A logger that writes one JSON object a line to stderr (stdout belongs to a command's result). Lines inside a span
 * carry its `trace_id` and `span_id`. What looks like a secret is taken out on the way.
 */
export function createLogger(options: { service: string; level?: string }): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      base: { service: options.service },
      hooks: { streamWrite: withoutSecrets },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin() {
        const span = trace.getActiveSpan()?.spanContext();
        return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
