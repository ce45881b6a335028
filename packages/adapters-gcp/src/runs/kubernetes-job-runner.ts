import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import { checkRun, checkRunName } from '@soundstage/core/ports';
import type { JobRunner, RunEvent, RunOutcome } from '@soundstage/core';
import { createApiClient } from './api-client.js';
import { httpStatus } from './api-errors.js';
import { findCluster } from './find-cluster.js';
import { podLines } from './pod-log.js';
import { COMPONENT_LABELS, ENDED_AS, runJob, type RunJobOptions } from './run-job.js';
import { hasStarted, hindrance, isDecided, programEnded, type JobState } from './run-outcome.js';
import { openRunView, type RunView } from './run-view.js';

export interface KubernetesJobRunnerOptions extends RunJobOptions {
  /** Default: that of the pod that this process runs in, or of the kubeconfig's context. */
  namespace?: string | undefined;
  /** Credentials and cluster. Default: the pod's own, or those of KUBECONFIG. */
  config?: KubeConfig;
  /** A watch or log that says nothing for so long is taken up anew, milliseconds. Default 30,000. */
  quietMs?: number;
  /** No further try of a call begins after so long, milliseconds. Default 120,000. */
  retryMs?: number;
  /** A run whose container can't be made (its image can't be pulled) fails after so long, milliseconds. Default 600,000. */
  startLimitMs?: number;
}

/** An earlier Job of the name that is being deleted should be gone after so long. */
const GONE_LIMIT_MS = 60_000;
/** A run that was cancelled should have ended so long after its grace period. */
const STOP_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 5000;

/**
 * Runs programs as Kubernetes Jobs, which outlive the service and can be followed by any process with the rights that
 * docs/kubernetes-runs.md lists. stdout and stderr come as one stream, `stdout`: a container has one log.
 *
 * @throws BAD_INPUT where no cluster is configured
 */
export function createKubernetesJobRunner(options: KubernetesJobRunnerOptions): JobRunner {
  const { quietMs = 30_000, retryMs = 120_000, startLimitMs = 600_000, graceS = 15 } = options;
  const config = options.config ?? findCluster();
  const namespace = options.namespace ?? config.getContextObject(config.currentContext)?.namespace ?? 'default';
  const api = createApiClient({ config, namespace, retryMs });

  /** A Job as it is now, if there is one, or undefined. */
  async function look(name: string, signal?: AbortSignal): Promise<JobState | undefined> {
    try {
      return await api.call<JobState>({ verb: 'get', resource: 'jobs', name }, { signal });
    } catch (thrown) {
      if (httpStatus(thrown) === 404) return undefined;
      throw thrown;
    }
  }

  /** @throws NOT_FOUND for a Job that isn't there, is going away, or isn't a run */
  async function find(name: string, signal?: AbortSignal): Promise<JobState> {
    checkRunName(name);
    const job = await look(name, signal);
    if (job && isRun(job) && !isGoing(job)) return job;
    throw new SoundstageError('NOT_FOUND', `There is no run ${name}.`);
  }

  /** Opens a run, and closes it when `use` is done with it. */
  async function* viewed<T>(
    job: JobState,
    signal: AbortSignal | undefined,
    use: (view: RunView, scope: AbortSignal) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    const scope = new AbortController();
    const abort = () => scope.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      throwIfAborted(signal);
      const { name = '', uid = '' } = job.metadata ?? {};
      // What can't be looked at any more isn't followed for as long as its log goes on, either.
      const onFailure = (thrown: unknown) => scope.abort(api.explain(thrown));
      yield* use(await openRunView(api, { name, uid, quietMs, signal: scope.signal, onFailure }), scope.signal);
    } finally {
      signal?.removeEventListener('abort', abort);
      scope.abort();
    }
  }

  /**
   * Ends a run that hasn't ended: writes down as what, for all who look, and lets its time limit pass, which stops its
   * pods, or keeps them from being made. (To suspend it would leave it for Kueue to start again, and for ever.)
   */
  async function endAs(name: string, outcome: RunOutcome): Promise<JobState> {
    for (;;) {
      const job = await find(name);
      if (isDecided(job)) return job;
      const body = {
        metadata: {
          // A run that ends meanwhile has ended by itself.
          resourceVersion: job.metadata?.resourceVersion,
          annotations: { [ENDED_AS]: JSON.stringify(outcome) },
        },
        spec: { activeDeadlineSeconds: 0 },
      };
      try {
        return await api.call<JobState>({ verb: 'patch', resource: 'jobs', name }, { body });
      } catch (thrown) {
        if (httpStatus(thrown) !== 409) throw thrown;
      }
    }
  }

  async function* events(view: RunView, name: string, scope: AbortSignal): AsyncGenerator<RunEvent> {
    const read = new Set<string>();
    const unread = () => view.pods().find((pod) => hasStarted(pod) && !read.has(pod.metadata?.uid ?? ''));
    let hinderedSinceMs: number | undefined;
    for (;;) {
      // One pod after the other: the next is made when the one before has ended.
      for (let pod = unread(); pod; pod = unread()) {
        const { uid = '', name: podName = '' } = pod.metadata ?? {};
        const hasEnded = () => {
          const now = view.pods().find(({ metadata }) => metadata?.uid === uid);
          return !now || programEnded(now);
        };
        for await (const text of podLines(api, { pod: podName, hasEnded, quietMs, retryMs, signal: scope })) {
          yield { type: 'line', stream: 'stdout', text };
        }
        read.add(uid);
      }
      const outcome = await view.outcome();
      if (outcome && unread()) continue;
      if (outcome) {
        yield { type: 'end', outcome };
        return;
      }
      const hindered = view.pods().map(hindrance).find(Boolean);
      hinderedSinceMs = hindered && (hinderedSinceMs ?? performance.now());
      if (hindered && performance.now() - hinderedSinceMs! >= startLimitMs) {
        const reason = `Its container could not be made within ${startLimitMs / 1000} s (${hindered.reason}): ${hindered.message}`;
        await endAs(name, { state: 'failed', exitCode: null, signal: null, reason });
      }
      await view.changed(Math.min(LOOK_EVERY_MS, hindered ? startLimitMs : LOOK_EVERY_MS));
    }
  }

  async function* untilEnded(view: RunView): AsyncGenerator<RunOutcome> {
    const limitMs = performance.now() + graceS * 1000 + STOP_LIMIT_MS;
    for (;;) {
      const outcome = await view.outcome();
      if (outcome) {
        yield outcome;
        return;
      }
      if (performance.now() > limitMs) {
        throw new SoundstageError(
          'UNAVAILABLE',
          'The run was told to stop, but its pod goes on: its node may be lost.',
        );
      }
      await view.changed(LOOK_EVERY_MS);
    }
  }

  return {
    async start(spec) {
      checkRun(spec);
      const job = runJob(spec, options);
      for (const endMs = performance.now() + GONE_LIMIT_MS; ; await sleep(200)) {
        try {
          await api.call({ verb: 'create', resource: 'jobs' }, { body: job, query: { fieldValidation: 'Strict' } });
          return;
        } catch (thrown) {
          if (httpStatus(thrown) !== 409) throw api.explain(thrown);
        }
        const there = await look(spec.name).catch((thrown: unknown) => {
          throw api.explain(thrown);
        });
        if (there && !isRun(there)) {
          throw new SoundstageError(
            'CONFLICT',
            `There is a Job ${spec.name} in the namespace ${namespace} that is no run of Soundstage: give runs a namespace of their own.`,
            { retryable: false },
          );
        }
        if (there && !isGoing(there)) return;
        if (performance.now() > endMs) {
          throw new SoundstageError('UNAVAILABLE', `The earlier run ${spec.name} is still being deleted: try later.`);
        }
      }
    },

    async *follow(name, signal): AsyncGenerator<RunEvent> {
      try {
        const job = await find(name, signal);
        yield* viewed(job, signal, (view, scope) => events(view, name, scope));
      } catch (thrown) {
        throwIfAborted(signal);
        throw api.explain(thrown);
      }
    },

    async cancel(name) {
      try {
        const job = await endAs(name, { state: 'cancelled' });
        for await (const _ of viewed(job, undefined, untilEnded)) return;
      } catch (thrown) {
        throw api.explain(thrown);
      }
    },

    async remove(name) {
      checkRunName(name);
      try {
        const job = await look(name);
        if (!job || !isRun(job) || isGoing(job)) return;
        const ended = viewed(job, undefined, async function* (view) {
          yield await view.outcome();
        });
        for await (const outcome of ended) {
          if (outcome) continue;
          throw new SoundstageError('CONFLICT', `Run ${name} is still running: cancel it first.`);
        }
        // Only this one: another of the name may have been started meanwhile.
        const body = { propagationPolicy: 'Background', preconditions: { uid: job.metadata?.uid } };
        await api.call({ verb: 'delete', resource: 'jobs', name }, { body });
      } catch (thrown) {
        const error = api.explain(thrown);
        const isGone = error.reason === 'NOT_FOUND' || httpStatus(thrown) === 409;
        if (!isGone) throw error;
      }
    },
  };
}

function isRun({ metadata }: JobState): boolean {
  return Object.entries(COMPONENT_LABELS).every(([name, value]) => metadata?.labels?.[name] === value);
}

function isGoing({ metadata }: JobState): boolean {
  return metadata?.deletionTimestamp !== undefined;
}
