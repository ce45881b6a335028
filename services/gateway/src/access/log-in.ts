import type { FastifyInstance } from 'fastify';
import { SoundstageError, type Audit, type Authenticator } from '@soundstage/core';
import { toProblem } from '../problems.js';
import { logInPage } from './log-in-page.js';
import type { Sessions } from './sessions.js';

const BODY_LIMIT_BYTES = 32 * 1024;

export interface LogInOptions {
  authenticator: Authenticator;
  sessions: Sessions;
  audit: Audit;
}

/** /login takes a key once and answers with a cookie; /logout ends it. */
export function addLogIn(app: FastifyInstance, { authenticator, sessions, audit }: LogInOptions): void {
  const schema = { hide: true };
  // In a scope of its own: no other route takes plain forms.
  void app.register(async (scope) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: BODY_LIMIT_BYTES },
      (_request, body, done) => done(null, new URLSearchParams(String(body))),
    );

    scope.get('/login', { schema }, (request, reply) =>
      reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(logInPage(request.cspNonce)),
    );

    scope.post('/login', { schema }, async (request, reply) => {
      const { ip: from, protocol } = request;
      const key = request.body instanceof URLSearchParams ? (request.body.get('key') ?? '').trim() : '';
      void reply.header('cache-control', 'no-store');
      try {
        const caller = await authenticator.authenticate(`Bearer ${key}`, from);
        audit({ caller, from, what: 'log in' });
        return await reply.header('set-cookie', sessions.open(caller, protocol === 'https')).redirect('/', 303);
      } catch (thrown) {
        const error = SoundstageError.from(thrown);
        audit({ caller: undefined, from, what: 'log in', error });
        const { status, detail, retryAfterS } = toProblem(error, '/login');
        if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
        const told = key ? detail : 'Put in a key or a token.';
        return reply.code(status).type('text/html; charset=utf-8').send(logInPage(request.cspNonce, told));
      }
    });

    scope.post('/logout', { schema }, async (request, reply) => {
      const secure = request.protocol === 'https';
      void reply.header('cache-control', 'no-store').header('set-cookie', sessions.close(secure));
      return reply.redirect('/login', 303);
    });
  });
}
