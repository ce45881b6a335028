import { setTimeout as sleep } from 'node:timers/promises';
import { Run, type Job, type ObjectRef } from '@soundstage/contracts';
import {
  badInput,
  hasEnded,
  sha256,
  SoundstageError,
  storeBytes,
  throwIfAborted,
  type Platform,
} from '@soundstage/core';
import { findRegistered } from '@soundstage/models';
import type { RunRecords } from './run-records.js';

/** Training runs as clients see them: a job with what the trainer has told. */
export interface Runs {
  ofJob(job: Job): Promise<Run>;
  /** @throws NOT_FOUND, for a job of another kind too */
  get(id: string): Promise<Run>;
  /** The run now and after each change, but not more often than a client takes it, to its end. */
  watch(id: string, signal: AbortSignal): AsyncIterable<Run>;
  cancel(id: string): Promise<Run>;
  /** The newest first, without curves and pages. */
  list(pageSize: number, pageToken: string): Promise<{ runs: Run[]; nextPageToken: string }>;
}

/** Draws the page of a run that has ended. */
export type DrawPage = (run: Run) => Promise<Uint8Array>;

/** How often another process's changes are looked for, and the shortest time between two messages of a watch. */
const POLL_MS = 500;
const GAP_MS = 400;

export function createRuns({ jobs, store }: Platform, records: RunRecords, drawPage: DrawPage): Runs {
  async function jobOf(id: string): Promise<Job> {
    const job = await jobs.get(id);
    if (job.kind === 'training') return job;
    throw new SoundstageError('NOT_FOUND', `${id} is a job of another kind (${job.kind}), no training run.`);
  }

  /** The run whose work a run has taken over: equal work is done once, and what it told is told for both. */
  async function sourceOf(job: Job): Promise<Job> {
    if (job.result?.$case !== 'training') return job;
    const { modelName, modelVersion } = job.result.value;
    const runId = await findRegistered(store, modelName, modelVersion).then(
      (model) => model.runId,
      () => job.id,
    );
    return runId === job.id ? job : jobs.get(runId).catch(() => job);
  }

  async function withFacts(job: Job): Promise<Run> {
    const source = await sourceOf(job);
    const facts = await records.facts(source.id);
    if (facts && hasEnded(source)) facts.endTime = source.updateTime;
    return Run.fromPartial({ id: job.id, job, ...(facts ? { facts } : {}) });
  }

  async function ofJob(job: Job): Promise<Run> {
    const run = await withFacts(job);
    run.curves = await records.curves((await sourceOf(job)).id);
    const page = hasEnded(job) ? await pageOf(run) : undefined;
    return page ? { ...run, page } : run;
  }

  /** Drawn when it is first asked for after the end: only then is it known how the run has ended. */
  async function pageOf(run: Run): Promise<ObjectRef> {
    const earlier = await records.page(run.id);
    if (earlier) return earlier;
    const page = await storePage(store, run.id, await drawPage(run));
    await records.write(run.id, { page });
    return page;
  }

  return {
    ofJob,
    get: async (id) => ofJob(await jobOf(id)),

    async *watch(id, signal) {
      await jobOf(id);
      const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
      let changed = Promise.withResolvers<void>();
      const onChange = () => changed.resolve();
      jobs.events.on(`change:${id}`, onChange);
      try {
        for (let seen: string | undefined; ;) {
          throwIfAborted(signal);
          changed = Promise.withResolvers<void>();
          const [job, version] = [await jobs.get(id), await records.version(id)];
          const ended = hasEnded(job);
          const current = `${job.updateTime?.getTime()} ${version}`;
          if (current !== seen || ended) yield await ofJob(job);
          if (ended) return;
          seen = current;
          // What changes meanwhile is told with the next message, together.
          await Promise.all([Promise.race([changed.promise, pause(POLL_MS)]), pause(GAP_MS)]);
        }
      } finally {
        jobs.events.off(`change:${id}`, onChange);
      }
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
      return { runs: await Promise.all(page.jobs.map(withFacts)), nextPageToken: page.nextPageToken };
    },
  };
}

/** Stores a page under its own hash: equal pages are one object. */
export function storePage(store: Platform['store'], name: string, page: Uint8Array): Promise<ObjectRef> {
  const key = `training-runs/${name}/page-${sha256(page).slice(0, 16)}.html`;
  return storeBytes(store, page, key, 'text/html; charset=utf-8');
}
