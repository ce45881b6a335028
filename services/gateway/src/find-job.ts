import { hasEnded, SoundstageError } from '@soundstage/core';
import { JobState, type FoleyCandidate, type Job, type ObjectRef } from '@soundstage/contracts';
import { foleyResult, foleySpec } from './job-json.js';
import { unary, type Upstream } from './upstream.js';

/** A foley job by its id. @throws NOT_FOUND, for jobs of the pipeline too, which are nobody's business here */
export async function findJob(upstream: Upstream, id: string, signal?: AbortSignal): Promise<Job> {
  if (!/^[a-z0-9-]{1,64}$/.test(id)) throw noJob(id);
  const { job } = await unary(upstream.jobs.getJob.bind(upstream.jobs), { jobId: id }, signal ? { signal } : {});
  if (job?.kind !== 'foley') throw noJob(id);
  return job;
}

/** The video or image that a job was made from. @throws NOT_FOUND */
export function sourceOf(job: Job): ObjectRef {
  const video = foleySpec(job)?.video;
  if (!video) throw new SoundstageError('NOT_FOUND', `The job ${job.id} has no source.`);
  return video;
}

/** One of a job's soundtracks, counted from 1. @throws NOT_FOUND, or CONFLICT while the job goes on */
export function candidateOf(job: Job, number: number): FoleyCandidate {
  const candidates = foleyResult(job)?.candidates;
  if (candidates) {
    const found = candidates[number - 1];
    if (found) return found;
    throw new SoundstageError('NOT_FOUND', `The job ${job.id} has ${candidates.length} candidates, not ${number}.`);
  }
  if (!hasEnded(job)) throw new SoundstageError('CONFLICT', `The job ${job.id} hasn’t ended yet: follow its events.`);
  const ending = job.state === JobState.FAILED ? 'failed' : 'was cancelled';
  throw new SoundstageError('NOT_FOUND', `The job ${job.id} ${ending} and made nothing.`);
}

/** A candidate's video. @throws NOT_FOUND where only the cue sheet was asked for */
export function videoOf(job: Job, number: number): ObjectRef {
  const { video } = candidateOf(job, number);
  if (video) return video;
  throw new SoundstageError('NOT_FOUND', `The job ${job.id} made a cue sheet and no video, as it was asked to.`);
}

function noJob(id: string): SoundstageError {
  return new SoundstageError('NOT_FOUND', `There is no job ${JSON.stringify(id)}.`);
}
