import type { FastifyInstance, FastifyRequest, FastifyReply } from 'fastify';
import type { Job, ObjectRef } from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { sendObject } from './download.js';
import { safeBaseName, safeMediaType } from './file-names.js';
import { candidateOf, fileNameOf, findJob, resultOf, sourceOf, syncedBy, videoOf } from './find-job.js';
import { foleyResult } from './job-json.js';
import * as schemas from './schemas.js';
import type { StoreOrigin } from './store-origin.js';
import type { Upstream } from './upstream.js';

interface FileParams {
  Params: { id: string; number: number };
  Querystring: { download?: string };
}

interface JobFile {
  path: string;
  summary: string;
  /** What a browser is told that it is. Default: what was stored, where that is a picture or a sound. */
  mediaType?: string;
  /** Whether it is small text, which the page reads and no player plays. */
  isText?: boolean;
  /** Whether it is a page of its own. */
  isPage?: boolean;
  /** In the description of the API. */
  served: string;
  find(job: Job, number: number): ObjectRef;
  /** Of the name that it is saved under, after the video's own. */
  suffix(job: Job, number: number): string;
}

const withSound = (job: Job, number: number) =>
  ` with sound${(foleyResult(job)?.candidates.length ?? 1) > 1 ? ` ${number}` : ''}`;

const FILES: JobFile[] = [
  {
    path: 'source',
    summary: 'Play or save the video or image that was uploaded',
    served: 'video/*',
    find: sourceOf,
    suffix: () => '',
  },
  {
    path: 'result',
    summary: 'Play or save the finished video, of several the first',
    served: 'video/*',
    find: resultOf,
    suffix: (job, number) => (job.kind === 'sync' ? ' in sync' : withSound(job, number)),
  },
  {
    path: 'report',
    summary: 'Look at what a sync job measured',
    mediaType: 'text/html; charset=utf-8',
    isText: true,
    isPage: true,
    served: 'text/html',
    find: (job) => theFile(syncedBy(job).report, job),
    suffix: () => ' sync report',
  },
  {
    path: 'evidence',
    summary: 'Read all that a sync job measured',
    mediaType: 'application/json',
    isText: true,
    served: 'application/json',
    find: (job) => theFile(syncedBy(job).evidence, job),
    suffix: () => ' sync evidence',
  },
  {
    path: 'candidates/:number/video',
    summary: 'Play or save the finished video of one candidate',
    served: 'video/*',
    find: videoOf,
    suffix: withSound,
  },
  {
    path: 'candidates/:number/cues',
    summary: 'Read the cue sheet of one candidate',
    mediaType: 'application/json',
    isText: true,
    served: 'application/json',
    find: (job, number) => theFile(candidateOf(job, number).cues, job),
    suffix: () => ' cues',
  },
  {
    path: 'candidates/:number/cues.vtt',
    summary: 'Read the cue sheet of one candidate as WebVTT',
    mediaType: 'text/vtt; charset=utf-8',
    isText: true,
    served: 'text/vtt',
    find: (job, number) => theFile(candidateOf(job, number).cuesVtt, job),
    suffix: () => ' cues',
  },
];

/** /v1/jobs/{id}/…: the files that went into a job and came out of it. */
export function addFileRoutes(app: FastifyInstance, upstream: Upstream, storeOrigin: StoreOrigin): void {
  for (const { path, summary, mediaType, isText = false, isPage = false, served, find, suffix } of FILES) {
    app.get<FileParams>(
      `/v1/jobs/:id/${path}`,
      {
        schema: {
          tags: ['jobs'],
          summary,
          description: 'Takes a Range header, so that players can seek.',
          params: path.includes(':number') ? schemas.candidateParams : schemas.jobParams,
          querystring: schemas.fileQuery,
          response: {
            200: schemas.fileResponse('The whole file.', served),
            206: schemas.fileResponse('The part that was asked for.', served),
            ...(isText ? {} : { 302: { description: 'It is in the object store, at this address for a while.' } }),
            ...schemas.refused,
            409: schemas.problemResponse('The job hasn’t ended yet.'),
            416: schemas.problemResponse('The range is outside of the file.'),
          },
        },
      },
      async (request: FastifyRequest<FileParams>, reply: FastifyReply) => {
        const { params, query } = request;
        const job = await findJob(upstream, params.id);
        const number = params.number ?? 1;
        const object = find(job, number);
        const base = safeBaseName(fileNameOf(job), params.id);
        const sent = {
          baseName: `${base}${suffix(job, number)}`,
          attachment: query.download === '1',
          mediaType: mediaType ?? safeMediaType(object.mediaType),
          fromStore: !isText,
          until: request.letInUntil,
        };
        if (isPage) void letRunAlone(reply);
        return sendObject({ upstream, storeOrigin }, object, sent, request, reply);
      },
    );
  }
}

/**
 * A page that came out of a job has a script of its own and nothing else: it is shown as if it came from nowhere, so
 * that it can reach neither this server nor what a browser keeps for it, whatever it says.
 */
function letRunAlone(reply: FastifyReply): FastifyReply {
  // A browser opens no sandboxed page that asks to be kept apart from its opener.
  reply.removeHeader('cross-origin-opener-policy');
  return reply.header(
    'content-security-policy',
    [
      "default-src 'none'",
      "script-src 'unsafe-inline'",
      "style-src 'unsafe-inline'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      'sandbox allow-scripts',
    ].join('; '),
  );
}

function theFile(object: ObjectRef | undefined, job: Job): ObjectRef {
  if (object) return object;
  throw new SoundstageError('NOT_FOUND', `The job ${job.id} has no such file.`);
}
