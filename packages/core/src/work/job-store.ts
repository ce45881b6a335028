import { EventEmitter } from 'node:events';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Job, JobState } from '@soundstage/contracts';
import { SoundstageError, throwIfAborted } from '../errors.js';
import { canonicalJson, sha256 } from '../hash.js';
import { readJson, writeJson } from '../store-json.js';
import { activeTraceId, injectTrace, type TraceCarrier } from '../telemetry/trace.js';
import type { ObjectStore } from '../ports/object-store.js';
import type { Queue } from '../ports/queue.js';
import type { JobKind } from './stage.js';

/** What a job was asked to do; written once, before anything else. */
export interface JobRequest {
  id: string;
  kind: JobKind;
  spec: unknown;
  createTime: string;
  parentJobId: string;
  trace: TraceCarrier;
  traceId: string;
}

const ENDED: ReadonlySet<JobState> = new Set([JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]);

/** Whether nothing will happen to a job any more. */
export function hasEnded(job: Job): boolean {
  return ENDED.has(job.state);
}

const hasNotEnded = (job: Job): boolean => !hasEnded(job);

/** What a job's id looks like. */
const ID = /^[a-z0-9-]{1,64}$/;

/** The job that a message is about, or undefined where it is no message of ours. */
export function jobIdOf(body: string): string | undefined {
  try {
    const { jobId } = (JSON.parse(body) ?? {}) as { jobId?: unknown };
    return typeof jobId === 'string' && ID.test(jobId) ? jobId : undefined;
  } catch {
    return undefined;
  }
}

/** How often another process's changes are looked for. */
const POLL_MS = 250;
/** A store that refuses a precondition this often is broken, not busy. */
const MAX_CONFLICTS = 20;

/**
 * Jobs as records in the object store, so that every service sees them and they outlive every process:
 *
 *     jobs/<id>/request.json   what was asked; immutable
 *     jobs/<id>/state.json     the job as it stands; changes under a version precondition
 *     jobs/<id>/cancel.json    a wish to stop
 *     job-index/<time>-<id>    newest first
 */
export interface JobStore {
  /** Makes a job and queues it. The same `requestId` gives the same job. @throws ALREADY_EXISTS for another spec */
  create(request: { kind: JobKind; spec: unknown; requestId?: string; parentJobId?: string }): Promise<Job>;
  /** @throws NOT_FOUND */
  get(id: string): Promise<Job>;
  request(id: string): Promise<JobRequest>;
  list(options: {
    kind?: JobKind | '';
    pageSize?: number;
    pageToken?: string;
  }): Promise<{ jobs: Job[]; nextPageToken: string }>;
  /** The job now and after each change, to its end. */
  watch(id: string, signal?: AbortSignal): AsyncIterable<Job>;
  cancel(id: string): Promise<Job>;
  cancelRequested(id: string): Promise<boolean>;
  /** Changes a job that has not ended; an ended one stays as it is. */
  update(id: string, change: (job: Job) => void): Promise<Job>;
  /** Queues a failed job again, with its attempts at zero; any other stays as it is. @throws NOT_FOUND */
  revive(id: string): Promise<Job>;
  /** Emits `cancel:<id>` and `change:<id>` at once for what happens in this process. */
  events: EventEmitter;
  /** Queues again what a crash between making and queueing left behind. @returns how many */
  recover(kinds: readonly JobKind[]): Promise<number>;
}

export function createJobStore(store: ObjectStore, queue: Queue): JobStore {
  const events = new EventEmitter().setMaxListeners(0);
  const stateKey = (id: string) => `jobs/${id}/state.json`;

  const unknown = (id: string) =>
    new SoundstageError('NOT_FOUND', `There is no job ${JSON.stringify(id.slice(0, 64))}.`);

  async function request(id: string): Promise<JobRequest> {
    const found = await readJson<JobRequest>(store, `jobs/${id}/request.json`);
    if (!found) throw unknown(id);
    return found.value;
  }

  const fresh = (made: JobRequest): Job =>
    Job.fromPartial({
      id: made.id,
      kind: made.kind,
      state: JobState.QUEUED,
      createTime: new Date(made.createTime),
      updateTime: new Date(made.createTime),
      parentJobId: made.parentJobId,
      traceId: made.traceId,
      // The cases of `Job.spec` are named after the kinds.
      spec: Job.fromJSON({ [`${made.kind}Spec`]: made.spec }).spec,
    });

  /** The job and its record's version; a job without a record is queued. */
  async function read(id: string): Promise<{ job: Job; version: string | undefined }> {
    // Ids come from clients too: what isn't one never becomes part of a key.
    if (!ID.test(id)) throw unknown(id);
    const state = await readJson<unknown>(store, stateKey(id));
    if (state) return { job: Job.fromJSON(state.value), version: state.version };
    return { job: fresh(await request(id)), version: undefined };
  }

  const update = (id: string, change: (job: Job) => void): Promise<Job> => updateWhere(id, hasNotEnded, change);

  async function updateWhere(id: string, holds: (job: Job) => boolean, change: (job: Job) => void): Promise<Job> {
    for (let conflicts = 0; ; conflicts++) {
      const { job, version } = await read(id);
      if (!holds(job)) return job;
      change(job);
      job.updateTime = new Date();
      try {
        await writeJson(store, stateKey(id), Job.toJSON(job), { ifVersion: version ?? 'absent' });
        events.emit(`change:${id}`);
        return job;
      } catch (error) {
        const { reason } = SoundstageError.from(error);
        if ((reason !== 'CONFLICT' && reason !== 'ALREADY_EXISTS') || conflicts >= MAX_CONFLICTS) throw error;
      }
    }
  }

  const publish = (made: JobRequest) =>
    queue.publish(made.kind, [{ body: JSON.stringify({ jobId: made.id }), attributes: made.trace }]);

  /** What follows the request: the index, the message, and the record, which tells that both are there. */
  async function enqueue(made: JobRequest): Promise<Job> {
    // Newest first: the index is ordered by the time that remains until the year 5138.
    const remaining = String(99_999_999_999_999 - Date.parse(made.createTime)).padStart(14, '0');
    await writeJson(store, `job-index/${remaining}-${made.id}`, { id: made.id, kind: made.kind });
    await publish(made);
    return update(made.id, () => undefined);
  }

  return {
    events,
    request,
    update,

    async create({ kind, spec, requestId, parentJobId = '' }) {
      const id = requestId ? `${kind[0]}${sha256(`${kind}\n${requestId}`).slice(0, 24)}` : `${kind[0]}${randomUUID()}`;
      const made: JobRequest = {
        id,
        kind,
        spec,
        createTime: new Date().toISOString(),
        parentJobId,
        trace: injectTrace(),
        traceId: activeTraceId(),
      };
      try {
        await writeJson(store, `jobs/${id}/request.json`, made, { ifVersion: 'absent' });
      } catch (error) {
        if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
        const earlier = await request(id);
        if (canonicalJson(earlier.spec) !== canonicalJson(spec)) {
          throw new SoundstageError(
            'ALREADY_EXISTS',
            `The request_id ${JSON.stringify(requestId)} belongs to another ${kind} request: choose a new one.`,
            { violations: [{ field: 'request_id', description: 'was used for a different spec' }] },
          );
        }
        const { job, version } = await read(id);
        // Without a record it was never queued: who made it was killed on the way, or is just doing it. The same work
        // twice in the queue is harmless, not at all in it is not.
        return version === undefined ? enqueue(earlier) : job;
      }
      return enqueue(made);
    },

    async get(id) {
      return (await read(id)).job;
    },

    async list({ kind = '', pageSize = 100, pageToken = '' }) {
      const limit = Math.min(Math.max(pageSize || 100, 1), 1000);
      const jobs: Job[] = [];
      let after = pageToken;
      while (jobs.length < limit) {
        const page = await store.list('job-index/', { limit, ...(after ? { after } : {}) });
        for (const entry of page) {
          after = entry.key;
          const { id, kind: itsKind } = indexEntry(entry.key);
          if (kind && itsKind !== kind[0]) continue;
          const job = await read(id).then(
            (r) => r.job,
            () => undefined, // its request was removed meanwhile
          );
          if (job && (!kind || job.kind === kind)) jobs.push(job);
          if (jobs.length === limit) return { jobs, nextPageToken: after };
        }
        if (page.length < limit) return { jobs, nextPageToken: '' };
      }
      return { jobs, nextPageToken: after };
    },

    async *watch(id, signal) {
      let seen: string | undefined;
      for (;;) {
        const changed = new Promise<void>((resolve) => events.once(`change:${id}`, resolve));
        const { job, version } = await read(id);
        const current = version ?? '';
        // A write while it was read gives newer content under the version seen before: the end is told in any case.
        if (current !== seen || hasEnded(job)) yield job;
        seen = current;
        if (hasEnded(job)) return;
        await Promise.race([changed, sleep(POLL_MS, undefined, signal ? { signal } : {})]);
        throwIfAborted(signal);
      }
    },

    async cancel(id) {
      const { job } = await read(id);
      if (hasEnded(job)) return job;
      await writeJson(store, `jobs/${id}/cancel.json`, {});
      events.emit(`cancel:${id}`);
      if (job.state !== JobState.QUEUED) return job;
      // Nobody has begun it: it ends here. Who takes it from the queue later finds it ended.
      return update(id, (queued) => {
        if (queued.state === JobState.QUEUED) queued.state = JobState.CANCELLED;
      });
    },

    async revive(id) {
      let revived = false;
      const job = await updateWhere(
        id,
        ({ state }) => state === JobState.FAILED,
        (failed) => {
          failed.state = JobState.QUEUED;
          failed.attempt = 0;
          delete failed.error;
          revived = true;
        },
      );
      // Only now: a worker that came upon the message of an ended job would put it away.
      if (revived) await publish(await request(id));
      return job;
    },

    async cancelRequested(id) {
      return (await store.stat(`jobs/${id}/cancel.json`)) !== undefined;
    },

    async recover(kinds) {
      let recovered = 0;
      for (const entry of await store.list('job-index/', { limit: 1000 })) {
        const { id } = indexEntry(entry.key);
        if (await store.stat(stateKey(id))) continue;
        const made = await request(id).catch(() => undefined);
        if (!made || !kinds.includes(made.kind)) continue;
        await publish(made);
        await update(id, () => undefined);
        recovered++;
      }
      return recovered;
    },
  };
}

/** `job-index/<14 digits>-<id>`; the first letter of an id is that of its kind. */
function indexEntry(key: string): { id: string; kind: string } {
  const id = key.slice('job-index/'.length + 15);
  return { id, kind: id[0] ?? '' };
}
