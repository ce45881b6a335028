import type { FastifyInstance } from 'fastify';
import { findJob, resultOf, videoOf } from './find-job.js';
import { HttpError } from './problems.js';
import * as schemas from './schemas.js';
import { checkSignedResult, DEFAULT_RESULT_S, signResult } from './signed-results.js';
import type { Upstream } from './upstream.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set where a signature lets the request in: until when. Nobody need be asked who they are. */
    letInUntil: Date | undefined;
  }
}

/**
 * Looks at signatures before anything else is asked of a request.
 *
 * @throws (to the client) 403 for an address that was changed, 410 for one whose time is over
 */
export function addResultSignatures(app: FastifyInstance, secret: string): void {
  app.decorateRequest('letInUntil', undefined);
  app.addHook('onRequest', async (request) => {
    const found = checkSignedResult(secret, request.method, request.url);
    if (found.state === 'valid') request.letInUntil = found.expiresAt;
    if (found.state === 'expired')
      throw new HttpError(
        410,
        'NOT_FOUND',
        `This address worked until ${found.expiresAt.toUTCString()}: ask for a new one.`,
      );
    if (found.state === 'forged')
      throw new HttpError(
        403,
        'BAD_INPUT',
        'This address isn’t as it was signed: copy it whole, or ask for a new one.',
      );
  });
}

/** /v1/jobs/{id}/link: an address of a result for somebody else. */
export function addLinkRoute(app: FastifyInstance, upstream: Upstream, secret: string): void {
  app.get<{ Params: { id: string }; Querystring: { candidate: number; expiresS: number } }>(
    '/v1/jobs/:id/link',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Get an address of a finished video for somebody else',
        description: 'It needs no log-in and works until it expires.',
        params: schemas.jobParams,
        querystring: schemas.linkQuery,
        response: { 200: { description: 'The address.', ...schemas.linkSchema }, ...schemas.refused },
      },
    },
    async ({ params, query }, reply) => {
      const job = await findJob(upstream, params.id);
      const isSync = job.kind === 'sync';
      if (isSync) resultOf(job);
      else videoOf(job, query.candidate);
      const path = isSync ? 'result' : `candidates/${query.candidate}/video`;
      const expiresAt = new Date(Date.now() + query.expiresS * 1000);
      void reply.header('cache-control', 'no-store');
      return {
        url: signResult(secret, `/v1/jobs/${job.id}/${path}`, expiresAt),
        expiresAt: expiresAt.toISOString(),
      };
    },
  );
}

/** A result's address in the job's own JSON, as long as the default. */
export const resultAddress = (secret: string, jobId: string) =>
  signResult(secret, `/v1/jobs/${jobId}/result`, new Date(Date.now() + DEFAULT_RESULT_S * 1000));
