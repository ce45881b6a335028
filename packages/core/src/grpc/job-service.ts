import { JobServiceService, type JobServiceServer } from '@soundstage/contracts';
import { badInput } from '../errors.js';
import type { JobStore } from '../work/job-store.js';
import type { JobKind } from '../work/stage.js';
import type { Handlers } from './handlers.js';
import type { GrpcService } from './host.js';

export const JOB_KINDS: readonly JobKind[] = [
  'collection',
  'bulkCollection',
  'preprocessing',
  'split',
  'featureExtraction',
  'training',
  'foley',
  'sync',
];

/** JobService: follows and cancels long work. */
export function createJobService(jobs: JobStore, handlers: Handlers): GrpcService {
  const implementation: JobServiceServer = {
    getJob: handlers.unary('GetJob', async ({ jobId }) => ({ job: await jobs.get(jobId) })),
    listJobs: handlers.unary('ListJobs', ({ kind, pageSize, pageToken }) => {
      if (kind && !JOB_KINDS.includes(kind as JobKind)) {
        throw badInput(`There is no kind ${JSON.stringify(kind)}: choose one of ${JOB_KINDS.join(', ')}.`, 'kind');
      }
      if (pageToken && !pageToken.startsWith('job-index/')) {
        throw badInput('The page_token is not one that ListJobs gave.', 'page_token');
      }
      return jobs.list({ kind: kind as JobKind | '', pageSize, pageToken });
    }),
    watchJob: handlers.serverStream('WatchJob', async function* ({ jobId }, { signal }) {
      for await (const job of jobs.watch(jobId, signal)) yield { job };
    }),
    cancelJob: handlers.unary('CancelJob', async ({ jobId }) => ({ job: await jobs.cancel(jobId) })),
  };
  return { definition: JobServiceService, implementation };
}
