import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { HttpError } from './problems.js';
import type { StoreOrigin } from './store-origin.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Allows the one style sheet that the waveform puts into its shadow root. */
    cspNonce: string;
    /** Where the page sends and fetches media by itself; empty: nowhere but here. */
    storeOrigin: string;
  }
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);
const UNSAFE = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Keeps other sites out. Headers: no inline script, no framing, no sniffing, nothing from elsewhere. Requests that
 * change something are refused when a browser says that another site sent them, since a form needs no CORS to post.
 * A server that listens for this machine alone answers to names of this machine alone.
 */
export function addSecurity(
  app: FastifyInstance,
  served: { host: string; names: readonly string[]; storeOrigin: StoreOrigin },
): void {
  const names = new Set([...LOOPBACK, ...served.names]);
  app.decorateRequest('cspNonce', '');
  app.decorateRequest('storeOrigin', '');
  app.addHook('onRequest', async (request, reply) => {
    // A page elsewhere whose name is made to point to this machine (DNS rebinding) would count as this server's own.
    // The header itself: what a proxy says that the name was could be said by that page, too.
    const name = nameIn(request.headers.host);
    if (LOOPBACK.has(served.host) && !names.has(name)) {
      throw new HttpError(
        403,
        'BAD_INPUT',
        `This server is not known as ${JSON.stringify(name)}: use its own address, or add the name to SOUNDSTAGE_GATEWAY_NAMES.`,
      );
    }
    request.cspNonce = randomBytes(16).toString('base64');
    // The policy of the page alone counts, so that no other answer waits for it.
    const isPage = request.url.split('?')[0] === '/';
    request.storeOrigin = isPage ? await served.storeOrigin.ask() : served.storeOrigin.known();
    const store = request.storeOrigin && ` ${request.storeOrigin}`;
    void reply.headers({
      'content-security-policy': [
        "default-src 'none'",
        "script-src 'self'",
        `style-src 'self' 'nonce-${request.cspNonce}'`,
        `img-src 'self' data: blob:${store}`,
        `media-src 'self' blob:${store}`,
        `connect-src 'self'${store}`,
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ].join('; '),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      ...(request.protocol === 'https' && !LOOPBACK.has(name)
        ? { 'strict-transport-security': 'max-age=31536000' }
        : {}),
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
    });
    const { 'sec-fetch-site': site, origin } = request.headers;
    // Browsers that say nothing of the site say where the page came from.
    const elsewhere =
      site === undefined
        ? origin !== undefined && nameIn(origin.replace(/^\w+:\/\//, '')) !== name
        : site === 'cross-site' || site === 'same-site';
    if (UNSAFE.has(request.method) && elsewhere) {
      throw new HttpError(
        403,
        'BAD_INPUT',
        'Another site can’t start or cancel jobs here: use this server’s own page.',
      );
    }
  });
}

/** The name in `name:port`, lower case; empty where there is none. */
function nameIn(host: string | undefined): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return '';
  }
}
