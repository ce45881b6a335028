import type { IncomingMessage } from 'node:http';
import { refuse } from '../refusal.js';

/** A host that asks for a longer pause isn't waited for: the next run may try. */
const LONGEST_PAUSE_MS = 15 * 60_000;
const USUAL_PAUSE_MS = 5000;

/** @throws a refusal for every status but 200: `http_404` and the like, `rate_limited`, `http_503` */
export function refusedStatus({ statusCode: status = 0, headers }: IncomingMessage, url: URL): void {
  if (status === 200) return;
  const sentence = `${url.host} answers ${status} for ${url.pathname.slice(0, 100)}.`;
  const wanted = retryAfterMs(headers['retry-after'], Date.now());
  if (status === 429 || (status === 503 && wanted !== undefined)) {
    const pauseMs = wanted ?? USUAL_PAUSE_MS;
    if (pauseMs > LONGEST_PAUSE_MS) {
      throw refuse('pause_too_long', `${url.host} wants a pause of ${Math.round(pauseMs / 1000)} s: try again later.`);
    }
    throw refuse('rate_limited', `${sentence} It wants a pause.`, { retryAfterMs: pauseMs });
  }
  if (status >= 500 || status === 408 || status === 425) throw refuse('http_server_error', sentence, { status });
  throw refuse('http_error', sentence, { status });
}

/** Reads Retry-After: seconds, or a date (RFC 9110, 10.2.3). Undefined for what is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
