import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobState } from '@soundstage/contracts';
import { SoundstageError } from '../errors.js';
import type { Delivery } from '../ports/queue.js';
import { readJson, writeJson } from '../store-json.js';
import { extractTrace, inSpan, SpanKind } from '../telemetry/trace.js';
import type { Platform } from '../platform.js';
import { hasEnded, jobIdOf } from './job-store.js';
import { workKey, type Manifest } from './manifest.js';
import { createProgress } from './progress.js';
import { settleDead } from './settle-dead.js';
import type { AnyStage, JobResult, PinnedWork } from './stage.js';
import { createTurns } from './turns.js';

export interface WorkerOptions {
  concurrency: number;
  workTimeoutS: number;
  /** How long a message is ours without a sign of life. Short, so that work of a killed process is taken up soon. */
  leaseMs?: number;
  /** Failed attempts after which a piece of work has failed for good; the queue's own limit must not be smaller. */
  maxAttempts?: number;
}

export interface Worker {
  /** Takes no more work; waits `graceMs` for what runs, then interrupts it and puts it back, unspent. */
  drain(graceMs: number): Promise<void>;
}

/** What has cost so many leases may kill its process: done alone, so that no other work dies with it again and again. */
const ALONE_FROM_LAPSES = 3;

/** Why a running piece of work is interrupted. */
class Disruption extends Error {}
class LeaseLost extends Error {}

/** Takes a stage's work from its queue and does it, until drained. */
export function startWorker(stage: AnyStage, platform: Platform, options: WorkerOptions): Worker {
  const { queue, store, jobs, log, metrics } = platform;
  const leaseMs = options.leaseMs ?? 15_000;
  const maxAttempts = options.maxAttempts ?? 5;
  const stopPulling = new AbortController();
  const interrupt = new AbortController();
  const scratchRoot = join(platform.scratch, stage.kind);
  const inTurn = createTurns();
  metrics.watchQueue(queue, stage.kind);

  async function loop(): Promise<void> {
    while (!stopPulling.signal.aborted) {
      let delivery: Delivery | undefined;
      try {
        [delivery] = await queue.pull(stage.kind, { max: 1, leaseMs, waitMs: 10_000, signal: stopPulling.signal });
        if (!delivery) continue;
        await take(delivery);
      } catch (error) {
        if (stopPulling.signal.aborted && !delivery) return;
        // The queue or the store can't be reached: the message comes again when its lease ends.
        log.error({ err: error, kind: stage.kind }, 'work could not be taken or given back');
        await sleep(1000, undefined, { signal: stopPulling.signal }).catch(() => undefined);
      }
    }
  }

  async function take(delivery: Delivery): Promise<void> {
    const jobId = jobIdOf(delivery.body);
    if (jobId === undefined) {
      await delivery.deadLetter('It names no job: whoever published it meant another queue.');
      log.error({ kind: stage.kind, message: delivery.id }, 'a message that is no work was put aside');
      return;
    }
    await inSpan(
      `work ${stage.kind}`,
      { parent: extractTrace(delivery.attributes), kind: SpanKind.CONSUMER, attributes: { job: jobId } },
      () => attend(delivery, jobId),
    );
  }

  /** Keeps the lease while the work runs, and settles the job and the message by how it ended. */
  async function attend(delivery: Delivery, jobId: string): Promise<void> {
    const jobLog = log.child({ job: jobId, kind: stage.kind, attempt: delivery.attempt });
    const abort = new AbortController();
    const onCancel = () => abort.abort(new SoundstageError('CANCELLED', 'The job was cancelled.'));
    const onInterrupt = () => abort.abort(new Disruption('the service is stopping'));
    if (interrupt.signal.aborted) onInterrupt();
    interrupt.signal.addEventListener('abort', onInterrupt, { once: true });
    jobs.events.once(`cancel:${jobId}`, onCancel);
    const timeout = setTimeout(
      () =>
        abort.abort(
          new SoundstageError('DEADLINE_EXCEEDED', `The job took longer than ${options.workTimeoutS} s.`, {
            retryable: false,
          }),
        ),
      options.workTimeoutS * 1000,
    );
    const heartbeat = setInterval(
      () => {
        void delivery.extend(leaseMs).then(
          (held) => !held && abort.abort(new LeaseLost('the lease ended')),
          () => undefined, // tried again at the next beat
        );
        void jobs.cancelRequested(jobId).then(
          (wanted) => wanted && onCancel(),
          () => undefined,
        );
      },
      Math.min(leaseMs / 4, 1000),
    );
    try {
      const alone = delivery.lapses >= ALONE_FROM_LAPSES;
      if (alone) jobLog.warn({ lapses: delivery.lapses }, 'its leases ended without an answer: it is done alone');
      const outcome = await inTurn(alone, abort.signal, () => attempt(delivery, jobId, abort.signal, jobLog));
      metrics.workTotal.inc({ kind: stage.kind, outcome });
      metrics.workAttempts.observe({ kind: stage.kind }, delivery.attempt);
      jobLog.info({ outcome }, 'work done');
    } catch (thrown) {
      // What a signal's reason says counts more than the error that the interrupted work threw.
      const cause: unknown = abort.signal.aborted ? abort.signal.reason : thrown;
      const outcome = await settleFailure(delivery, jobId, cause, thrown, jobLog);
      metrics.workTotal.inc({ kind: stage.kind, outcome });
    } finally {
      clearTimeout(timeout);
      clearInterval(heartbeat);
      jobs.events.off(`cancel:${jobId}`, onCancel);
      interrupt.signal.removeEventListener('abort', onInterrupt);
    }
  }

  async function attempt(
    delivery: Delivery,
    jobId: string,
    signal: AbortSignal,
    jobLog: typeof log,
  ): Promise<'done' | 'cached' | 'ended' | 'dead'> {
    const request = await jobs.request(jobId).catch((error: unknown) => {
      if (SoundstageError.from(error).reason !== 'NOT_FOUND') throw error;
      return undefined;
    });
    if (!request) {
      // A job is written before its message is: it was removed, or the message is from another store.
      await delivery.deadLetter('Its job is not in the store: look whether queue and store belong together.');
      return 'dead';
    }
    if (await jobs.cancelRequested(jobId)) throw new SoundstageError('CANCELLED', 'The job was cancelled.');
    const spec: unknown = stage.spec.fromJSON(request.spec);
    const pinned = stage.pin?.(spec) ?? unpinned(stage, spec);
    try {
      return await attemptWith(pinned, spec, delivery, jobId, signal, jobLog);
    } finally {
      pinned.release();
    }
  }

  async function attemptWith(
    pinned: PinnedWork<JobResult['value']>,
    spec: unknown,
    delivery: Delivery,
    jobId: string,
    signal: AbortSignal,
    jobLog: typeof log,
  ): Promise<'done' | 'cached' | 'ended'> {
    const specJson = stage.spec.toJSON(spec);
    const parameters = stage.belongsToJob?.(spec) ? { jobId, spec: specJson } : specJson;
    const key = workKey(stage.kind, pinned.codeVersion, parameters);
    const outputPrefix = `work/${stage.kind}/${key}`;
    const progress = createProgress(stage, jobs, jobId, metrics);
    const started = await jobs.update(jobId, (job) => {
      job.state = JobState.RUNNING;
      job.attempt = delivery.attempt;
      job.steps = stage.steps.map(({ name }) => ({ name, fraction: 0, seconds: 0, message: '' }));
      job.fraction = 0;
    });
    if (hasEnded(started)) {
      await delivery.ack();
      return 'ended';
    }
    const finish = async (result: unknown) => {
      await progress.stop();
      await jobs.update(jobId, (job) => {
        job.state = JobState.SUCCEEDED;
        job.fraction = 1;
        progress.writeTo(job, true);
        delete job.error;
        job.result = { $case: stage.kind, value: stage.result.fromJSON(result) } as JobResult;
      });
      await delivery.ack();
    };
    const earlier = await readJson<Manifest>(store, `${outputPrefix}/manifest.json`);
    if (earlier) {
      await finish(earlier.value.result);
      return 'cached';
    }
    await mkdir(scratchRoot, { recursive: true });
    const scratch = await mkdtemp(join(scratchRoot, `${process.pid}-`));
    const startedAt = new Date().toISOString();
    jobLog.info('work started');
    try {
      const result = await pinned.run({
        jobId,
        signal,
        store,
        outputPrefix,
        scratch,
        log: jobLog,
        progress: progress.report,
        submit: async (kind, specJson) =>
          // The child's id follows from its parent's, so that a second attempt makes no second child.
          (await jobs.create({ kind, spec: specJson, requestId: `${jobId}/${kind}`, parentJobId: jobId })).id,
      });
      if (signal.aborted) throw signal.reason as Error;
      const manifest: Manifest = {
        kind: stage.kind,
        key,
        codeVersion: pinned.codeVersion,
        spec: stage.spec.toJSON(spec),
        result: stage.result.toJSON(result),
        jobId,
        attempt: delivery.attempt,
        startedAt,
        finishedAt: new Date().toISOString(),
        stepSeconds: progress.stepSeconds(),
      };
      await writeJson(store, `${outputPrefix}/manifest.json`, manifest, { ifVersion: 'absent' }).catch(
        (error: unknown) => {
          // Another process did the same work meanwhile: that is success.
          if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
        },
      );
      await finish(manifest.result);
      return 'done';
    } finally {
      await progress.stop();
      await rm(scratch, { recursive: true, force: true });
    }
  }

  async function settleFailure(
    delivery: Delivery,
    jobId: string,
    cause: unknown,
    thrown: unknown,
    jobLog: typeof log,
  ): Promise<'disrupted' | 'cancelled' | 'retried' | 'failed' | 'dead'> {
    if (cause instanceof LeaseLost) {
      jobLog.warn('the lease ended while the work ran: somebody else has it');
      return 'disrupted';
    }
    if (cause instanceof Disruption) {
      await jobs.update(jobId, (job) => {
        job.state = JobState.QUEUED;
      });
      await delivery.nack({});
      jobLog.info('work put back: the service is stopping');
      return 'disrupted';
    }
    const error = SoundstageError.from(cause);
    if (error.reason === 'CANCELLED') {
      await jobs.update(jobId, (job) => {
        job.state = JobState.CANCELLED;
      });
      await delivery.ack();
      jobLog.info('work cancelled');
      return 'cancelled';
    }
    const jobError = { reason: error.reason, message: error.message };
    if (error.retryable && delivery.attempt < maxAttempts) {
      const delayMs = error.retryAfterMs ?? Math.min(60_000, 500 * 2 ** (delivery.attempt - 1));
      await jobs.update(jobId, (job) => {
        job.state = JobState.QUEUED;
        job.error = jobError;
      });
      await delivery.nack({ failed: { reason: `${error.reason}: ${error.message}` }, delayMs });
      jobLog.warn({ err: thrown, delayMs }, 'work failed, tried again later');
      return 'retried';
    }
    await jobs.update(jobId, (job) => {
      job.state = JobState.FAILED;
      job.error = jobError;
    });
    if (error.retryable) {
      await delivery.deadLetter(`${error.reason}: ${error.message}`);
      jobLog.error({ err: thrown }, 'work failed for good');
      return 'dead';
    }
    await delivery.ack();
    jobLog.warn({ err: thrown }, 'work refused');
    return 'failed';
  }

  const loops = sweepScratch(scratchRoot).then(() =>
    Promise.all([
      settleDead(stage.kind, platform, stopPulling.signal),
      ...Array.from({ length: options.concurrency }, () => loop()),
    ]),
  );

  return {
    async drain(graceMs) {
      stopPulling.abort();
      const timer = setTimeout(() => interrupt.abort(), graceMs);
      await loops;
      clearTimeout(timer);
    },
  };
}

function unpinned(stage: AnyStage, spec: unknown): PinnedWork<JobResult['value']> {
  const { codeVersion } = stage;
  return { codeVersion, run: (context) => stage.run(spec, context), release: () => undefined };
}

/** Removes what killed processes left behind: scratch folders are named after the process that made them. */
async function sweepScratch(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = Number(name.split('-')[0]);
    if (pid !== process.pid && !isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
