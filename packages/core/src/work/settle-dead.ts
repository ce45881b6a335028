import { setTimeout as sleep } from 'node:timers/promises';
import { JobState } from '@soundstage/contracts';
import { SoundstageError } from '../errors.js';
import type { Platform } from '../platform.js';
import { jobIdOf } from './job-store.js';
import type { JobKind } from './stage.js';

/** So often is looked for work that the queue gave up. */
const EVERY_MS = 60_000;

/**
 * Ends the jobs of messages that the queue itself has given up: those whose every worker died without an answer. Nobody
 * else can, since whoever had them is gone. Looks at once, then every minute until the signal fires.
 */
export async function settleDead(
  kind: JobKind,
  { queue, jobs, log }: Pick<Platform, 'queue' | 'jobs' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const { body, reason } of await queue.deadLetters(kind)) {
        const jobId = jobIdOf(body);
        if (jobId === undefined) continue;
        // A job that has ended stays as it ended.
        await jobs
          .update(jobId, (job) => {
            job.state = JobState.FAILED;
            job.error ??= { reason: 'INTERNAL', message: `${reason} Look at its input, then make the job anew.` };
          })
          .catch((error: unknown) => {
            // One letter without a job must not keep the others' jobs from their end.
            if (SoundstageError.from(error).reason !== 'NOT_FOUND') throw error;
          });
      }
    } catch (error) {
      log.warn({ err: error, kind }, 'work that was given up could not be settled; tried again later');
    }
    await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
