import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SoundstageError } from '@soundstage/core';
import { cuesTooLarge, CUES_LIMIT_BYTES } from './edited-cues.js';
import { sendEvents } from './events.js';
import { findJob, type JobKind } from './find-job.js';
import { createFromForm, createFromStored, type CreateOptions } from './job-create.js';
import { readIdempotencyKey } from './job-form.js';
import { jobToJson } from './job-json.js';
import { sendProblem } from './problems.js';
import { resultAddress } from './result-links.js';
import * as schemas from './schemas.js';
import { unary, type Upstream } from './upstream.js';

export interface JobRouteOptions extends CreateOptions {
  /** Signs addresses of results. */
  resultSecret: string;
  heartbeatMs: number;
  /** Aborts when the gateway closes. */
  closing: AbortSignal;
}

interface JobParams {
  Params: { id: string };
}

/** /v1/jobs: make, follow, cancel, and play what was made. */
export function addJobRoutes(app: FastifyInstance, upstream: Upstream, options: JobRouteOptions): void {
  const tags = ['jobs'];
  const { refused } = schemas;

  app.post(
    '/v1/jobs',
    {
      schema: {
        tags,
        summary: 'Start a job',
        description:
          'Upload a video or an image as a form, or name what was sent by /v1/uploads, or an earlier job for another take of its video or to render an edited cue sheet. The kind `foley` makes a soundtrack; `sync` measures by how much picture and sound of a video of people who talk lie apart, and repairs it. The same Idempotency-Key gives the same job again.',
        headers: schemas.idempotencyHeader,
        body: {
          content: {
            'multipart/form-data': { schema: schemas.jobFormSchema },
            'application/json': { schema: schemas.jobAgainSchema },
          },
        },
        response: {
          202: { description: 'The job is queued; Location tells where it is.', $ref: 'Job#' },
          ...refused,
          409: schemas.problemResponse('The Idempotency-Key belongs to another request.'),
          411: schemas.problemResponse('A large file’s size must be told.'),
          413: schemas.problemResponse('The file or the cue sheet is larger than this server takes.'),
        },
      },
      bodyLimit: CUES_LIMIT_BYTES + 64 * 1024,
      errorHandler(error, request, reply) {
        sendProblem(error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? cuesTooLarge() : error, request, reply);
      },
      // A form is checked as it streams by, see readWish.
      validatorCompiler: () => () => true,
    },
    async (request, reply) => {
      const abort = new AbortController();
      const gone = () => abort.abort(new SoundstageError('CANCELLED', 'The client went away.'));
      request.raw.socket.once('close', gone);
      try {
        const requestId = readIdempotencyKey(request.headers['idempotency-key']) ?? randomUUID();
        const asked = { requestId, signal: abort.signal };
        const isForm = request.headers['content-type']?.toLowerCase().startsWith('multipart/form-data');
        const job = isForm
          ? await createFromForm(upstream, request, options, asked)
          : await createFromStored(upstream, request.body, options, asked);
        request.log.info({ job: job.id }, 'job started');
        return await reply.code(202).header('location', `/v1/jobs/${job.id}`).send(jobToJson(job));
      } catch (error) {
        // The rest of the body is read and dropped for a while, so that the client gets to see the answer.
        if (!request.raw.complete) {
          void reply.header('connection', 'close');
          request.raw.on('error', () => undefined).resume();
          setTimeout(() => request.raw.complete || request.raw.destroy(), 10_000).unref();
        }
        throw error;
      } finally {
        request.raw.socket.off('close', gone);
      }
    },
  );

  app.get<{ Querystring: { kind: JobKind; pageSize: number; pageToken?: string } }>(
    '/v1/jobs',
    {
      schema: {
        tags,
        summary: 'List jobs of one kind, newest first',
        querystring: schemas.listQuery,
        response: { 200: { description: 'One page of jobs.', ...schemas.jobListSchema }, ...refused },
      },
    },
    async ({ query }) => {
      const { jobs, nextPageToken } = await unary(upstream.jobs.listJobs.bind(upstream.jobs), {
        kind: query.kind,
        pageSize: query.pageSize,
        pageToken: query.pageToken ?? '',
      });
      return { jobs: jobs.map(jobToJson), ...(nextPageToken && { nextPageToken }) };
    },
  );

  app.get<JobParams>(
    '/v1/jobs/:id',
    {
      schema: {
        tags,
        summary: 'Get a job',
        params: schemas.jobParams,
        response: { 200: { description: 'The job as it stands.', $ref: 'Job#' }, ...refused },
      },
    },
    async ({ params }, reply) => {
      void reply.header('cache-control', 'no-store');
      const job = jobToJson(await findJob(upstream, params.id));
      if (job.links.result) job.links.signedResult = resultAddress(options.resultSecret, job.id);
      return job;
    },
  );

  app.get<JobParams>(
    '/v1/jobs/:id/events',
    {
      schema: {
        tags,
        summary: 'Follow a job',
        description:
          'Server-sent events: `job` with the job as JSON now and after each change; the stream ends when the job ends. `problem` with problem details where following broke off.',
        params: schemas.jobParams,
        response: {
          200: { description: 'Events.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
          ...refused,
        },
      },
    },
    async ({ params, raw }, reply) => {
      await findJob(upstream, params.id);
      return sendEvents(upstream, params.id, raw.url ?? '/', reply, options);
    },
  );

  const cancel = async ({ params }: FastifyRequest<JobParams>) => {
    const { id } = await findJob(upstream, params.id);
    const { job } = await unary(upstream.jobs.cancelJob.bind(upstream.jobs), { jobId: id });
    if (!job) throw new SoundstageError('INTERNAL', 'CancelJob gave no job.');
    return jobToJson(job);
  };
  const cancelSchema = {
    tags,
    summary: 'Cancel a job',
    description: 'Work that is running is interrupted; a job that has ended stays as it is.',
    params: schemas.jobParams,
    response: { 200: { description: 'The job as it stands.', $ref: 'Job#' }, ...refused },
  };
  app.post<JobParams>('/v1/jobs/:id/cancel', { schema: cancelSchema }, cancel);
  app.delete<JobParams>('/v1/jobs/:id', { schema: cancelSchema }, cancel);
}
