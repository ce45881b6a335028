import { randomBytes } from 'node:crypto';
import type { Condition, KubeObject } from './object-types.js';
import type { Objects } from './objects.js';

const TRACKING = 'batch.kubernetes.io/job-tracking';
const now = () => new Date().toISOString().replace(/\.\d+/, '');

/**
 * Makes a pod for each Job, counts how it ends, and replaces one that was disrupted: for Jobs of one completion, as
 * Kubernetes' controller does since 1.31 (a Job is finished when its pods have ended, not when that is decided).
 */
export function startJobController(objects: Objects): { close(): void } {
  const counted = new Set<string>();
  const timers = new Map<string, NodeJS.Timeout>();
  let closed = false;

  const podsOf = (job: KubeObject) =>
    objects.all('pods').filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
  const isOver = ({ status }: KubeObject) => status.phase === 'Succeeded' || status.phase === 'Failed';
  const has = (job: KubeObject, type: string) => (job.status.conditions ?? []).some((one) => one.type === type);
  const later = (job: KubeObject, ms: number, what: () => void) => {
    clearTimeout(timers.get(job.metadata.uid));
    timers.set(job.metadata.uid, setTimeout(what, ms));
  };

  function add(job: KubeObject, type: string, reason?: string, message?: string): KubeObject {
    if (has(job, type)) return job;
    const condition: Condition = {
      type,
      status: 'True',
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    };
    return (
      objects.update(job, ({ status }) => void (status.conditions = [...(status.conditions ?? []), condition])) ?? job
    );
  }

  function sync(uid: string): void {
    let job = objects.all('jobs').find(({ metadata }) => metadata.uid === uid);
    if (closed || !job) return;
    const pods = podsOf(job);
    if (job.metadata.deletionTimestamp !== undefined) {
      pods.forEach(deletePod);
      pods.forEach(count);
      if (pods.length === 0) objects.remove(job);
      return;
    }
    if (has(job, 'Complete') || has(job, 'Failed')) return pods.forEach(count);
    const { spec } = job;
    if (job.status.startTime === undefined && !spec.suspend) {
      job = objects.update(job, ({ status }) => void (status.startTime = now())) ?? job;
    }
    job = decide(job, pods);
    pods.filter(isOver).forEach(count);
    const running = pods.filter((pod) => !isOver(pod));
    const verdict = (job.status.conditions ?? []).find(
      ({ type }) => type === 'SuccessCriteriaMet' || type === 'FailureTarget',
    );
    if (verdict || spec.suspend) running.forEach(deletePod);
    if (verdict && running.length === 0) {
      job = add(job, verdict.type === 'FailureTarget' ? 'Failed' : 'Complete', verdict.reason, verdict.message);
      const { ttlSecondsAfterFinished: ttlS } = spec;
      const finished = job;
      if (ttlS !== undefined) later(job, ttlS * 1000, () => objects.remove(finished));
      return;
    }
    if (!verdict && spec.suspend) add(job, 'Suspended', 'JobSuspended', 'Job suspended');
    else if (!verdict && running.length === 0) makePod(job);
    setStatus(job);
  }

  /** Says how the Job ends once that is certain. */
  function decide(job: KubeObject, pods: KubeObject[]): KubeObject {
    if (has(job, 'SuccessCriteriaMet') || has(job, 'FailureTarget')) return job;
    const { spec, status, metadata } = job;
    if (pods.some((pod) => pod.status.phase === 'Succeeded'))
      return add(job, 'SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods');
    for (const pod of pods.filter((one) => one.status.phase === 'Failed' && !counted.has(one.metadata.uid))) {
      const exitCode = pod.status.containerStatuses?.[0]?.state?.terminated?.exitCode;
      const rules = spec.podFailurePolicy?.rules ?? [];
      const at = rules.findIndex(({ onExitCodes, onPodConditions }) =>
        onExitCodes
          ? exitCode !== undefined &&
            exitCode !== 0 &&
            onExitCodes.values.includes(exitCode) === (onExitCodes.operator === 'In')
          : onPodConditions?.some(({ type }) => (pod.status.conditions ?? []).some((one) => one.type === type)),
      );
      if (rules[at]?.action === 'FailJob') {
        const message = `Container run for pod ${metadata.namespace}/${pod.metadata.name} failed with exit code ${exitCode} matching FailJob rule at index ${at}`;
        return add(job, 'FailureTarget', 'PodFailurePolicy', message);
      }
      if (rules[at]?.action === 'Ignore') continue;
      const failed = (status.failed ?? 0) + 1;
      job = objects.update(job, (draft) => void (draft.status.failed = failed)) ?? job;
      if (failed > (spec.backoffLimit ?? 6))
        return add(job, 'FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit');
    }
    const { activeDeadlineSeconds } = spec;
    if (activeDeadlineSeconds !== undefined && !spec.suspend) {
      const leftMs = Date.parse(job.status.startTime!) + activeDeadlineSeconds * 1000 - Date.now();
      if (leftMs <= 0)
        return add(job, 'FailureTarget', 'DeadlineExceeded', 'Job was active longer than specified deadline');
      later(job, leftMs, () => sync(metadata.uid));
    }
    return job;
  }

  function makePod(job: KubeObject): void {
    const { name, namespace, uid } = job.metadata;
    const { metadata = {}, spec } = structuredClone(job.spec.template);
    objects.create('pods', {
      metadata: {
        // As the API server makes names of `generateName`.
        name: `${name.slice(0, 57)}-${randomBytes(4).toString('hex').slice(0, 5)}`,
        namespace,
        labels: {
          ...metadata.labels,
          'batch.kubernetes.io/controller-uid': uid,
          'batch.kubernetes.io/job-name': name,
          'controller-uid': uid,
          'job-name': name,
        },
        finalizers: [TRACKING],
        ownerReferences: [{ uid }],
      },
      spec: spec as KubeObject['spec'],
      status: { phase: 'Pending' },
    });
  }

  /** Counts a pod that has ended, and lets it go. */
  function count(pod: KubeObject): void {
    if (!isOver(pod)) return;
    counted.add(pod.metadata.uid);
    objects.update(pod, ({ metadata }) => void delete metadata.finalizers);
  }

  function deletePod(pod: KubeObject): void {
    objects.update(pod, ({ metadata }) => void (metadata.deletionTimestamp ??= now()));
  }

  function setStatus(job: KubeObject): void {
    const active = podsOf(job).filter((pod) => !isOver(pod)).length;
    objects.update(job, ({ status }) => void (status.active = active));
  }

  const onChange = ({ resource, type, object }: { resource: string; type: string; object: KubeObject }) => {
    if (resource === 'jobs' && type === 'DELETED') {
      clearTimeout(timers.get(object.metadata.uid));
      // The garbage collector: pods of a Job that is gone.
      for (const pod of podsOf(object)) {
        objects.update(pod, ({ metadata }) => {
          delete metadata.finalizers;
          metadata.deletionTimestamp ??= now();
        });
      }
      return;
    }
    const uid = resource === 'jobs' ? object.metadata.uid : object.metadata.ownerReferences?.[0]?.uid;
    // A moment later, as a controller that watches does.
    if (uid !== undefined) setTimeout(() => sync(uid), 1);
  };
  objects.events.on('change', onChange);
  return {
    close() {
      closed = true;
      objects.events.off('change', onChange);
      timers.forEach((timer) => clearTimeout(timer));
    },
  };
}
