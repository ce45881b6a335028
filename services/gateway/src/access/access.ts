import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  createAudit,
  createAuthenticator,
  createRates,
  demandScope,
  SoundstageError,
  type AuthSettings,
  type Caller,
  type Logger,
  type Scope,
} from '@soundstage/core';
import { answerFor } from './current-caller.js';
import { addLogIn } from './log-in.js';
import { createSessions } from './sessions.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined where nobody has to say who they are. */
    caller: Caller | undefined;
  }
}

/** What can be asked by everybody. */
const OPEN: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz', '/login', '/logout']);
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD']);

export interface AccessOptions {
  /** Undefined: whoever reaches the server may use it. */
  auth: AuthSettings | undefined;
  /** The gateway's own token, which signs sessions; undefined: a secret is drawn. */
  token: (() => string) | undefined;
  log: Logger | undefined;
}

/**
 * Lets in who shows a key or token in the header `authorization`, as programs do, or the cookie of a log-in, as
 * browsers do; each as often as their quota says.
 */
export function addAccess(app: FastifyInstance, { auth, token, log }: AccessOptions): void {
  app.decorateRequest('caller', undefined);
  if (!auth) return;
  const authenticator = createAuthenticator(auth, log);
  const audit = createAudit(log, { always: true });
  const sessions = createSessions(token);
  const rates = createRates();

  async function identify({ headers, ip, protocol }: FastifyRequest): Promise<Caller> {
    const earlier = headers.authorization ? undefined : sessions.read(headers.cookie, protocol === 'https');
    return earlier ? authenticator.recall(earlier) : authenticator.authenticate(headers.authorization, ip);
  }

  app.addHook('onRequest', async (request, reply) => {
    const { url } = request.routeOptions;
    if (OPEN.has(url)) return undefined;
    const reads = SAFE.has(request.method);
    // A signature in the address has let it in already; who it is stays unknown.
    if (request.letInUntil) {
      const nobody = { name: `address ${request.ip}`, scopes: new Set<Scope>(['read']), quotas: {} };
      reply.raw.once('close', rates.enter(nobody));
      return undefined;
    }
    let caller: Caller | undefined;
    try {
      caller = await identify(request);
      demandScope(caller, reads ? 'read' : 'write', reads ? 'Looking' : 'Starting or cancelling jobs');
      const leave = rates.enter(caller);
      reply.raw.once('close', leave);
      request.caller = caller;
    } catch (error) {
      // What is let through is written down by the service that does it.
      if (!reads) audit({ caller, from: request.ip, what: `${request.method} ${url ?? '*'}`, error });
      const { reason } = SoundstageError.from(error);
      if (reason !== 'UNAUTHENTICATED') throw error;
      if (url === '/' && reads) return reply.redirect('/login', 303);
      void reply.header('www-authenticate', 'Bearer realm="soundstage"');
      throw error;
    }
    return undefined;
  });
  // Calls of services that are made while the request is answered say for whom.
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.caller) answerFor(request.caller, done);
    else done();
  });

  addLogIn(app, { authenticator, sessions, audit });
}
