import { throwIfAborted } from '@soundstage/core/errors';
import { SoundstageError, type RunOutcome } from '@soundstage/core';
import type { ApiClient } from './api-client.js';
import { createMirror, type Mirror } from './mirror.js';
import { JOB_UID_LABEL } from './run-job.js';
import { inOrder, isFinished, outcomeOf, type JobState, type PodState } from './run-outcome.js';

/** What is known of a run while somebody looks at it. */
export interface RunView {
  job(): JobState;
  /** Its pods, the oldest first. */
  pods(): PodState[];
  /** The end, or undefined while it goes on. */
  outcome(): Promise<RunOutcome | undefined>;
  /** Resolves at the next change, or after `atMostMs`. @throws NOT_FOUND when it was removed; what the API refuses */
  changed(atMostMs: number): Promise<void>;
}

export interface RunViewOptions {
  name: string;
  uid: string;
  quietMs: number;
  signal: AbortSignal;
  /** Called once where it can't be looked at any more. */
  onFailure: (thrown: unknown) => void;
}

/** Looks at a Job and its pods until the signal is aborted. @throws as the API does; CANCELLED */
export async function openRunView(
  api: ApiClient,
  { name, uid, quietMs, signal, onFailure }: RunViewOptions,
): Promise<RunView> {
  let change = Promise.withResolvers<void>();
  const onChange = () => change.resolve();
  const mirror = { quietMs, signal, onChange };
  const jobs: Mirror<JobState> = createMirror<JobState>(api, {
    ...mirror,
    resource: 'jobs',
    query: { fieldSelector: `metadata.name=${name}` },
  });
  const pods: Mirror<PodState> = createMirror<PodState>(api, {
    ...mirror,
    resource: 'pods',
    query: { labelSelector: `${JOB_UID_LABEL}=${uid}` },
  });
  await Promise.all([jobs.list(), pods.list()]);
  jobs.keep().catch(onFailure);
  pods.keep().catch(onFailure);

  const job = () => {
    const found = jobs.items().find(({ metadata }) => metadata?.uid === uid);
    if (found && found.metadata?.deletionTimestamp === undefined) return found;
    throw new SoundstageError('NOT_FOUND', `Run ${name} was removed.`);
  };
  return {
    job,
    pods: () => inOrder(pods.items()),

    async outcome() {
      if (!outcomeOf(job(), [])) return undefined;
      // The Job's end may be known before that of its pods, which tells why.
      if (isFinished(job())) await pods.list();
      return outcomeOf(job(), pods.items());
    },

    async changed(atMostMs) {
      throwIfAborted(signal);
      const timer = setTimeout(onChange, atMostMs);
      signal.addEventListener('abort', onChange, { once: true });
      try {
        await change.promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onChange);
        change = Promise.withResolvers<void>();
      }
      throwIfAborted(signal);
    },
  };
}
