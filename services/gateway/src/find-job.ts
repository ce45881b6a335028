import { hasEnded, SoundstageError } from '@soundstage/core';
import { JobState, type FoleyCandidate, type Job, type ObjectRef, type SyncResult } from '@soundstage/contracts';
import { foleyResult, foleySpec } from './job-json.js';
import { syncResult, syncSpec } from './sync-json.js';
import { unary, type Upstream } from './upstream.js';

/** The kinds of jobs that people come for. */
export const JOB_KINDS = ['foley', 'sync'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** A job of these kinds by its id. @throws NOT_FOUND, for jobs of the pipeline too, which are nobody's business here */
export async function findJob(upstream: Upstream, id: string, signal?: AbortSignal): Promise<Job> {
  if (!/^[a-z0-9-]{1,64}$/.test(id)) throw noJob(id);
  const { job } = await unary(upstream.jobs.getJob.bind(upstream.jobs), { jobId: id }, signal ? { signal } : {});
  if (!JOB_KINDS.some((kind) => kind === job?.kind)) throw noJob(id);
  return job!;
}

/** The video or image that a job was made from. @throws NOT_FOUND */
export function sourceOf(job: Job): ObjectRef {
  const video = (foleySpec(job) ?? syncSpec(job))?.video;
  if (!video) throw new SoundstageError('NOT_FOUND', `The job ${job.id} has no source.`);
  return video;
}

/** What people call the video or image; empty where nobody said. */
export function fileNameOf(job: Job): string {
  return (foleySpec(job) ?? syncSpec(job))?.fileName ?? '';
}

/** One of a job's soundtracks, counted from 1. @throws NOT_FOUND, or CONFLICT while the job goes on */
export function candidateOf(job: Job, number: number): FoleyCandidate {
  const candidates = foleyResult(job)?.candidates;
  if (candidates) {
    const found = candidates[number - 1];
    if (found) return found;
    throw new SoundstageError('NOT_FOUND', `The job ${job.id} has ${candidates.length} candidates, not ${number}.`);
  }
  if (job.kind !== 'foley')
    throw new SoundstageError('NOT_FOUND', `The job ${job.id} is one of ${job.kind}: it has no candidates.`);
  throw madeNothing(job);
}

/** A candidate's video. @throws NOT_FOUND where only the cue sheet was asked for */
export function videoOf(job: Job, number: number): ObjectRef {
  const { video } = candidateOf(job, number);
  if (video) return video;
  throw new SoundstageError('NOT_FOUND', `The job ${job.id} made a cue sheet and no video, as it was asked to.`);
}

/** What a sync job made. @throws NOT_FOUND, or CONFLICT while the job goes on */
export function syncedBy(job: Job): SyncResult {
  const result = syncResult(job);
  if (result) return result;
  if (job.kind !== 'sync')
    throw new SoundstageError('NOT_FOUND', `The job ${job.id} is one of ${job.kind}: nothing was measured.`);
  throw madeNothing(job);
}

/** The finished video of a job, the first where there are several. @throws NOT_FOUND, CONFLICT */
export function resultOf(job: Job): ObjectRef {
  if (job.kind !== 'sync') return videoOf(job, 1);
  const { video } = syncedBy(job);
  if (video) return video;
  throw new SoundstageError(
    'NOT_FOUND',
    `The job ${job.id} altered nothing, so there is no other video than its source.`,
  );
}

function madeNothing(job: Job): SoundstageError {
  if (!hasEnded(job)) return new SoundstageError('CONFLICT', `The job ${job.id} hasn’t ended yet: follow its events.`);
  const ending = job.state === JobState.FAILED ? 'failed' : 'was cancelled';
  return new SoundstageError('NOT_FOUND', `The job ${job.id} ${ending} and made nothing.`);
}

function noJob(id: string): SoundstageError {
  return new SoundstageError('NOT_FOUND', `There is no job ${JSON.stringify(id)}.`);
}
