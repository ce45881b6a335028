import { Run, type Job } from '@soundstage/contracts';
import { badInput, SoundstageError, type Platform } from '@soundstage/core';

/** Training runs as clients see them: a job with what the trainer has told. */
export interface Runs {
  ofJob(job: Job): Promise<Run>;
  /** @throws NOT_FOUND, for a job of another kind too */
  get(id: string): Promise<Run>;
  watch(id: string, signal: AbortSignal): AsyncIterable<Run>;
  cancel(id: string): Promise<Run>;
  list(pageSize: number, pageToken: string): Promise<{ runs: Run[]; nextPageToken: string }>;
}

export function createRuns({ jobs }: Platform): Runs {
  async function jobOf(id: string): Promise<Job> {
    const job = await jobs.get(id);
    if (job.kind === 'training') return job;
    throw new SoundstageError('NOT_FOUND', `${id} is a job, but no training run: it is a ${job.kind}.`);
  }
  const ofJob = async (job: Job) => Run.fromPartial({ id: job.id, job });
  return {
    ofJob,
    get: async (id) => ofJob(await jobOf(id)),
    async *watch(id, signal) {
      await jobOf(id);
      for await (const job of jobs.watch(id, signal)) yield ofJob(job);
    },
    async cancel(id) {
      await jobOf(id);
      return ofJob(await jobs.cancel(id));
    },
    async list(pageSize, pageToken) {
      if (pageToken && !pageToken.startsWith('job-index/')) {
        throw badInput('The page_token is not one that ListRuns gave.', 'page_token');
      }
      const page = await jobs.list({ kind: 'training', pageSize: Math.min(pageSize || 20, 100), pageToken });
      return { runs: await Promise.all(page.jobs.map(ofJob)), nextPageToken: page.nextPageToken };
    },
  };
}
