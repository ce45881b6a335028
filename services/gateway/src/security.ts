import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { HttpError } from './problems.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Allows the one style sheet that the waveform puts into its shadow root. */
    cspNonce: string;
  }
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);
const UNSAFE = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Keeps other sites out. Headers: no inline script, no framing, no sniffing, nothing from elsewhere. Requests that
 * change something are refused when a browser says that another site sent them, since a form needs no CORS to post.
 * A server that listens for this machine alone answers to names of this machine alone.
 */
export function addSecurity(app: FastifyInstance, served: { host: string; names: readonly string[] }): void {
  const names = new Set([...LOOPBACK, ...served.names]);
  app.decorateRequest('cspNonce', '');
  app.addHook('onRequest', async (request, reply) => {
    // A page elsewhere whose name is made to point to this machine (DNS rebinding) would count as this server's own.
    if (LOOPBACK.has(served.host) && !names.has(request.hostname.toLowerCase())) {
      throw new HttpError(
        403,
        'BAD_INPUT',
        `This server is not known as ${JSON.stringify(request.hostname)}: use its own address, or add the name to SOUNDSTAGE_GATEWAY_NAMES.`,
      );
    }
    request.cspNonce = randomBytes(16).toString('base64');
    void reply.headers({
      'content-security-policy': [
        "default-src 'none'",
        "script-src 'self'",
        `style-src 'self' 'nonce-${request.cspNonce}'`,
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ].join('; '),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
    });
    const site = request.headers['sec-fetch-site'];
    if (UNSAFE.has(request.method) && (site === 'cross-site' || site === 'same-site')) {
      throw new HttpError(
        403,
        'BAD_INPUT',
        'Another site can’t start or cancel jobs here: use this server’s own page.',
      );
    }
  });
}
