import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobState, type Job } from '@soundstage/contracts';
import { canonicalJson, hasEnded, sha256, SoundstageError, type JobKind, type Reason } from '@soundstage/core';
import type { Connection } from './connect.js';

/** Something to be done by a service: asked twice, it is the same job. */
export interface Ask {
  kind: JobKind;
  /** The spec in protobuf's JSON form. */
  spec: unknown;
  create: (requestId: string) => Promise<Job | undefined>;
}

export interface AskOptions {
  /** When this command began: what had failed before it, for a reason that passes, is tried again. */
  startedAt: Date;
  /** Tries again what was refused before, too. */
  retryRefused?: boolean;
  /** Asks for new jobs, also where earlier commands asked for the same. */
  fresh?: boolean;
  signal?: AbortSignal | undefined;
  onChange?: (job: Job) => void;
}

export interface Answer {
  job: Job;
  /** It had ended before this command began. */
  before: boolean;
}

/** Reasons that lie in what was asked: the same again gives the same again. */
const FOR_GOOD: ReadonlySet<string> = new Set<Reason>(['BAD_INPUT', 'NOT_FOUND', 'ALREADY_EXISTS']);
/** Reasons that lie around the work, not in it: no other piece of work would fare better. */
const SURROUNDINGS: ReadonlySet<string> = new Set<Reason>(['EXHAUSTED', 'UNAVAILABLE', 'CONFLICT', 'CANCELLED']);
/** A job that failed so often in so many commands is not asked for under a new id any more. */
const MOST_TRIES = 1000;
const PATIENCE_MS = 60_000;

/** Whether a job ended because of what it was given. */
export function isRefusal({ state, error }: Job): boolean {
  return state === JobState.FAILED && !SURROUNDINGS.has(error?.reason ?? '');
}

/**
 * Has something done, once: the id of the request follows from what is asked and from the code that does it, so that a
 * command that was killed finds its jobs again. A job that failed in an earlier command for a reason that may have
 * passed is followed by a new one.
 *
 * @returns the job as it ended
 */
export async function ask(connection: Connection, what: Ask, options: AskOptions): Promise<Answer> {
  const { startedAt, retryRefused = false, fresh = false, signal, onChange } = options;
  const content = { kind: what.kind, spec: what.spec, code: connection.codeVersionOf(what.kind) };
  const key = sha256(canonicalJson(fresh ? { ...content, fresh: randomUUID() } : content));
  for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
    const job = await patiently(() => what.create(attempt === 0 ? key : `${key}-${attempt}`), signal);
    if (!job) throw new SoundstageError('INTERNAL', `The ${what.kind} was answered without a job.`);
    if (!hasEnded(job)) return { job: await connection.untilEnded(job.id, { onChange, signal }), before: false };
    const before = (job.updateTime ?? startedAt) < startedAt;
    if (before && job.state !== JobState.SUCCEEDED && (retryRefused || !FOR_GOOD.has(job.error?.reason ?? '')))
      continue;
    return { job, before };
  }
  throw new SoundstageError('UNAVAILABLE', `The ${what.kind} has failed ${MOST_TRIES} times.`, { retryable: false });
}

/** A service that is just being started anew is waited for, and so is one that was asked too often. */
async function patiently<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const sinceMs = Date.now();
  for (let waitMs = 200; ; waitMs = Math.min(5000, 2 * waitMs)) {
    try {
      return await call();
    } catch (error) {
      const { reason, retryAfterMs = 0 } = SoundstageError.from(error);
      const passes = reason === 'UNAVAILABLE' || reason === 'QUOTA_EXCEEDED';
      const untilMs = Date.now() + retryAfterMs - sinceMs;
      if (!passes || untilMs > PATIENCE_MS || signal?.aborted) throw error;
      await sleep(Math.max(waitMs, retryAfterMs), undefined, signal ? { signal } : {});
    }
  }
}
