import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import swagger from '@fastify/swagger';
import {
  isLoopback,
  SoundstageError,
  extractTrace,
  inSpan,
  readServerSecurity,
  SpanKind,
  watchCertificate,
  type Certificate,
  type Logger,
} from '@soundstage/core';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { addAccess } from './access/access.js';
import { readGatewayConfig, type GatewayConfig } from './config.js';
import { addFileRoutes } from './job-files.js';
import { addJobRoutes } from './jobs.js';
import { addPage } from './page-files.js';
import { createPaletteReader } from './palette.js';
import { HttpError, sendProblem } from './problems.js';
import * as schemas from './schemas.js';
import { addSecurity } from './security.js';
import { addLinkRoute, addResultSignatures } from './result-links.js';
import { addSoundRoutes } from './sounds.js';
import { createStoreOrigin } from './store-origin.js';
import { addUploadRoutes } from './uploads.js';
import { connectUpstream } from './upstream.js';

/** What isn't given is taken from the environment. */
export interface GatewayOptions extends Partial<GatewayConfig> {
  /** Distance of comments in event streams, ms. Default 15 s. */
  heartbeatMs?: number;
  log?: Logger;
}

export interface Gateway {
  /** `http://host:port`. */
  url: string;
  /** Takes no more requests, ends event streams, waits for uploads and downloads in flight, at most `limitMs`. */
  close(limitMs?: number): Promise<void>;
}

/** HTTP and the page in front of the inference service. @throws UNAVAILABLE when the address can't be listened on */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const config: GatewayConfig = { ...readGatewayConfig(), ...options };
  const { inferenceAddress, access, host, names, port, proxies, resultSecret, uploadLimitBytes, uploadIdleMs } = config;
  const { upstream: towards } = config;
  const { auth, tls } = readServerSecurity(access, host);
  const certificate = tls && watchCertificate(tls, options.log);
  const upstream = connectUpstream(inferenceAddress, towards);
  if (upstream.warning) options.log?.warn(upstream.warning);
  if (!isLoopback(host) && !auth) options.log?.warn('others can reach this server, and need no key');
  const closing = new AbortController();
  const app = createApp(options.log, { proxies, certificate: certificate?.current() });
  const unfollow = certificate?.follow((next) => (app.server as unknown as TlsServer).setSecureContext(next));
  try {
    const storeOrigin = createStoreOrigin(upstream);
    addSecurity(app, { host, names, storeOrigin });
    addResultSignatures(app, resultSecret);
    addAccess(app, { auth, token: towards.token, log: options.log });
    await addDocument(app);
    app.setErrorHandler(sendProblem);
    app.setNotFoundHandler((request) => {
      throw new HttpError(404, 'NOT_FOUND', `There is nothing at ${request.method} ${request.url.split('?')[0]}.`);
    });
    // The body of a form is read as it comes, by readForm.
    app.addContentTypeParser('multipart/form-data', (_request: unknown, _body: IncomingMessage, done) => done(null));
    addHealthRoutes(app, () => upstream.checkHealth(), closing.signal);
    const palette = createPaletteReader(upstream);
    addJobRoutes(app, upstream, {
      palette,
      resultSecret,
      uploadLimitBytes,
      uploadIdleMs,
      heartbeatMs: options.heartbeatMs ?? 15_000,
      closing: closing.signal,
    });
    addFileRoutes(app, upstream, storeOrigin);
    addLinkRoute(app, upstream, resultSecret);
    addUploadRoutes(app, upstream, { uploadBytes: uploadLimitBytes });
    addSoundRoutes(app, upstream, palette);
    await addPage(app, { uploadBytes: uploadLimitBytes });
    await app.listen({ host, port }).catch((error: Error) => {
      throw new SoundstageError(
        'UNAVAILABLE',
        `The page can't be served on ${host}:${port} (${error.message}): choose another with SOUNDSTAGE_GATEWAY_HOST and SOUNDSTAGE_GATEWAY_PORT.`,
        { cause: error },
      );
    });
  } catch (error) {
    unfollow?.();
    upstream.close();
    await app.close();
    throw error;
  }
  const bound = app.server.address() as AddressInfo;
  const url = `http${certificate ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
  options.log?.info({ url, inference: inferenceAddress }, 'gateway serving');
  return {
    url,
    async close(limitMs = 10_000) {
      closing.abort();
      unfollow?.();
      // A connection that was busy when closing began is idle afterwards, and nobody else would end it.
      const sweep = setInterval(() => app.server.closeIdleConnections(), 50);
      const cut = setTimeout(() => app.server.closeAllConnections(), limitMs);
      await app.close();
      clearInterval(sweep);
      clearTimeout(cut);
      upstream.close();
    },
  };
}

function createApp(
  log: FastifyBaseLogger | undefined,
  { proxies, certificate }: Pick<GatewayConfig, 'proxies'> & { certificate: Certificate | undefined },
): FastifyInstance {
  const app = fastify({
    ...(certificate ? { https: certificate } : {}),
    trustProxy: typeof proxies === 'number' ? (_address, hop) => hop < proxies : proxies,
    ...(log ? { loggerInstance: log } : { logger: false }),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024, // of JSON; forms have their own limit
    // Long uploads are fine as long as something comes, see readForm; a head that doesn't come is not.
    requestTimeout: 0,
    http: { headersTimeout: 20_000 },
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 100 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true } },
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    request.log.debug({ method, url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
  // Every request is a span; a caller's traceparent goes on through gRPC and the queue.
  app.addHook('preHandler', (request, reply, done) => {
    const { traceparent } = request.headers;
    const route = `${request.method} ${request.routeOptions.url ?? '*'}`;
    void inSpan(
      route,
      { kind: SpanKind.SERVER, parent: extractTrace(typeof traceparent === 'string' ? { traceparent } : {}) },
      () =>
        new Promise<void>((resolve) => {
          reply.raw.once('close', resolve);
          done();
        }),
    );
  });
  return app;
}

async function addDocument(app: FastifyInstance): Promise<void> {
  app.addSchema(schemas.jobSchema);
  app.addSchema(schemas.problemSchema);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Soundstage',
        version: '1',
        description:
          'Makes a soundtrack for a silent video that fits the picture and is in time with it, and puts sound and picture of a video of people who talk together again.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'jobs', description: 'Long work: start it, follow it, play what it made.' },
        { name: 'sounds', description: 'What it can sound like, to be heard before it is used.' },
        { name: 'health', description: 'For whoever runs this server.' },
      ],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => (typeof json.$id === 'string' ? json.$id : `def-${i}`),
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

function addHealthRoutes(app: FastifyInstance, checkUpstream: () => Promise<void>, closing: AbortSignal): void {
  const ok = { description: 'Yes.', ...schemas.statusSchema };
  const tags = ['health'];
  app.get('/healthz', { schema: { tags, summary: 'Is the gateway alive?', response: { 200: ok } } }, () => ({
    status: 'ok',
  }));
  app.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: 'Can jobs be done? Asks the inference service.',
        response: { 200: ok, 503: schemas.problemResponse('Not now.') },
      },
    },
    async () => {
      if (closing.aborted) throw new SoundstageError('UNAVAILABLE', 'The server is stopping.');
      await checkUpstream();
      return { status: 'ok' };
    },
  );
}
