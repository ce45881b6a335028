import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hasEnded, SoundstageError } from '@soundstage/core';
import { JobState, type Job, type ObjectRef } from '@soundstage/contracts';
import { sendObject } from './download.js';
import { sendEvents } from './events.js';
import { displayName, mediaTypeOf, safeBaseName } from './file-names.js';
import { readIdempotencyKey, readWish, type JobWish } from './job-form.js';
import { foleyResult, foleySpec, jobToJson } from './job-json.js';
import { readForm } from './multipart.js';
import { HttpError } from './problems.js';
import * as schemas from './schemas.js';
import { uploadFile } from './upload.js';
import { unary, type Upstream } from './upstream.js';

export interface JobRouteOptions {
  uploadLimitBytes: number;
  uploadIdleMs: number;
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
  const refused = {
    400: schemas.problemResponse('Something in the request is wrong.'),
    404: schemas.problemResponse('There is no such job, or it has no such file.'),
    503: schemas.problemResponse('The inference service can’t be reached.'),
  };

  async function getJob(id: string, signal?: AbortSignal): Promise<Job> {
    if (!/^[a-z0-9-]{1,64}$/.test(id)) throw noJob(id);
    const { job } = await unary(upstream.jobs.getJob.bind(upstream.jobs), { jobId: id }, signal ? { signal } : {});
    // The gateway shows the jobs that people come for, not the pipeline's.
    if (job?.kind !== 'foley') throw noJob(id);
    return job;
  }

  async function createFoley(
    video: { object: ObjectRef; fileName: string },
    wish: JobWish,
    requestId: string,
    signal: AbortSignal,
  ): Promise<Job> {
    const create = upstream.inference.createFoley.bind(upstream.inference);
    const { job } = await unary(
      create,
      { requestId, spec: { video: video.object, fileName: video.fileName, ...wish } },
      { signal },
    );
    if (!job) throw new SoundstageError('INTERNAL', 'CreateFoley gave no job.');
    return job;
  }

  async function fromForm(request: FastifyRequest, requestId: string, signal: AbortSignal): Promise<Job> {
    const { fields, file } = await readForm(
      request.raw,
      { fileLimitBytes: options.uploadLimitBytes, idleMs: options.uploadIdleMs, signal },
      async (formFile) => {
        const fileName = displayName(formFile.fileName);
        const mediaType = mediaTypeOf(formFile.mediaType, fileName);
        const object = await uploadFile(upstream, { ...formFile, fileName, mediaType }, { requestId, signal });
        return { fileName, object };
      },
    );
    const wish = readWish(fields);
    if (!file) {
      throw new HttpError(400, 'BAD_INPUT', 'Send a video in the field file.', [
        { field: 'file', description: 'is missing' },
      ]);
    }
    return createFoley(file, wish, requestId, signal);
  }

  async function fromEarlierJob(body: unknown, requestId: string, signal: AbortSignal): Promise<Job> {
    const { sourceJob, ...fields } = (body ?? {}) as Record<string, unknown>;
    const wish = readWish(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])));
    if (typeof sourceJob !== 'string') {
      throw new HttpError(400, 'BAD_INPUT', 'Name the job whose video is used in sourceJob.', [
        { field: 'sourceJob', description: 'is missing' },
      ]);
    }
    const earlier = await getJob(sourceJob, signal);
    const fileName = foleySpec(earlier)?.fileName ?? '';
    return createFoley({ object: sourceOf(earlier), fileName }, wish, requestId, signal);
  }

  app.post(
    '/v1/jobs',
    {
      schema: {
        tags,
        summary: 'Start a job',
        description:
          'Upload a video as a form, or name an earlier job for another take of its video. The same Idempotency-Key gives the same job again.',
        headers: {
          type: 'object',
          properties: { 'idempotency-key': { type: 'string', description: 'Makes a repeated request harmless.' } },
        },
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
          413: schemas.problemResponse('The file is larger than this server takes.'),
        },
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
        const isForm = request.headers['content-type']?.toLowerCase().startsWith('multipart/form-data');
        const job = isForm
          ? await fromForm(request, requestId, abort.signal)
          : await fromEarlierJob(request.body, requestId, abort.signal);
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

  app.get<{ Querystring: { pageSize: number; pageToken?: string } }>(
    '/v1/jobs',
    {
      schema: {
        tags,
        summary: 'List jobs, newest first',
        querystring: schemas.listQuery,
        response: { 200: { description: 'One page of jobs.', ...schemas.jobListSchema }, ...refused },
      },
    },
    async ({ query }) => {
      const { jobs, nextPageToken } = await unary(upstream.jobs.listJobs.bind(upstream.jobs), {
        kind: 'foley',
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
      return jobToJson(await getJob(params.id));
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
      const { kind } = await getJob(params.id);
      void kind;
      return sendEvents(upstream, params.id, raw.url ?? '/', reply, options);
    },
  );

  const cancel = async ({ params }: FastifyRequest<JobParams>) => {
    const { id } = await getJob(params.id);
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

  const fileRoutes = [
    { name: 'result', summary: 'Play or save the finished video', find: resultOf },
    { name: 'source', summary: 'Play or save the video that was uploaded', find: sourceOf },
  ] as const;
  for (const { name, summary, find } of fileRoutes) {
    app.get<JobParams & { Querystring: { download?: string } }>(
      `/v1/jobs/:id/${name}`,
      {
        schema: {
          tags,
          summary,
          description: 'Takes a Range header, so that players can seek.',
          params: schemas.jobParams,
          querystring: schemas.fileQuery,
          response: {
            200: schemas.fileResponse('The whole file.'),
            206: schemas.fileResponse('The part that was asked for.'),
            ...refused,
            409: schemas.problemResponse('The job hasn’t ended yet.'),
            416: schemas.problemResponse('The range is outside of the file.'),
          },
        },
      },
      async (request, reply) => {
        const { params, query } = request;
        const job = await getJob(params.id);
        const object = find(job);
        const base = safeBaseName(foleySpec(job)?.fileName ?? '', params.id);
        const baseName = name === 'result' ? `${base} with sound` : base;
        return sendObject(upstream, object, { baseName, attachment: query.download === '1' }, request, reply);
      },
    );
  }
}

function noJob(id: string): SoundstageError {
  return new SoundstageError('NOT_FOUND', `There is no job ${JSON.stringify(id)}.`);
}

function sourceOf(job: Job): ObjectRef {
  const video = foleySpec(job)?.video;
  if (!video) throw new SoundstageError('NOT_FOUND', `The job ${job.id} has no source.`);
  return video;
}

function resultOf(job: Job): ObjectRef {
  const video = foleyResult(job)?.video;
  if (video) return video;
  if (!hasEnded(job)) throw new SoundstageError('CONFLICT', `The job ${job.id} hasn’t ended yet: follow its events.`);
  const ending = job.state === JobState.FAILED ? 'failed' : 'was cancelled';
  throw new SoundstageError('NOT_FOUND', `The job ${job.id} ${ending} and made no video.`);
}
