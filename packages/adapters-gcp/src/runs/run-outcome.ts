import { constants } from 'node:os';
import type { V1ContainerStateTerminated, V1Job, V1Pod } from '@kubernetes/client-node';
import type { RunOutcome } from '@soundstage/core';
import { CONTAINER, ENDED_AS, EXIT_BAD_INPUT } from './run-job.js';

/** What a Job or pod looks like as JSON: times are text. */
export type JobState = Pick<V1Job, 'spec' | 'status'> & { metadata?: JobMetadata };
export type PodState = Pick<V1Pod, 'spec' | 'status'> & { metadata?: PodMetadata };

interface JobMetadata {
  name?: string;
  uid?: string;
  resourceVersion?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}
interface PodMetadata {
  name?: string;
  uid?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
}

/** Whether the Job controller has counted the run as ended. */
export function isFinished(job: JobState): boolean {
  return condition(job, 'Complete') !== undefined || condition(job, 'Failed') !== undefined;
}

/** Whether it is certain how the run ends, though its pods may still be stopping. */
export function isDecided(job: JobState): boolean {
  const decided = condition(job, 'SuccessCriteriaMet') ?? condition(job, 'FailureTarget');
  return decided !== undefined || isFinished(job) || endedAs(job) !== undefined;
}

/** Whether a pod's programs have all ended, or will never be started. */
export function isOver({ status, metadata }: PodState): boolean {
  // One that was deleted before it came to a node ends without a word.
  const unseen = metadata?.deletionTimestamp !== undefined && status?.containerStatuses === undefined;
  return status?.phase === 'Succeeded' || status?.phase === 'Failed' || unseen;
}

/** Whether the program was started, whether or not it has ended. */
export function hasStarted(pod: PodState): boolean {
  const { running, terminated } = stateOf(pod) ?? {};
  return running !== undefined || (terminated !== undefined && !neverStarted(terminated));
}

/** Whether the program has ended: its log is then all there. */
export function programEnded(pod: PodState): boolean {
  return stateOf(pod)?.terminated !== undefined || isOver(pod);
}

/** The oldest first. */
export function inOrder(pods: readonly PodState[]): PodState[] {
  const key = ({ metadata }: PodState) => `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;
  return [...pods].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/**
 * How a run ended, or undefined while it goes on.
 *
 * @param pods of the Job, as they were after the Job was looked at; some may be gone
 */
export function outcomeOf(job: JobState, pods: readonly PodState[]): RunOutcome | undefined {
  const waits = job.spec?.suspend === true;
  const told = endedAs(job);
  if (!isFinished(job) && !(told && waits)) return undefined;
  if (!pods.every(isOver)) return undefined;
  if (told) return told;
  if (condition(job, 'Complete')) return { state: 'succeeded' };
  return failure(job, inOrder(pods).at(-1));
}

/** What keeps a pod from starting, in Kubernetes' words: an image that can't be pulled, no node with room for it. */
export function hindrance({ status }: PodState): { reason: string; message: string } | undefined {
  const { reason = '', message = '' } = status?.containerStatuses?.[0]?.state?.waiting ?? {};
  if (reason !== '' && reason !== 'ContainerCreating' && reason !== 'PodInitializing') return { reason, message };
  return undefined;
}

function failure(job: JobState, pod: PodState | undefined): RunOutcome {
  const { reason: why = '', message = '' } = condition(job, 'Failed') ?? {};
  const failed = (reason: string, exitCode: number | null = null, signal: string | null = null): RunOutcome => ({
    state: 'failed',
    exitCode,
    signal,
    reason,
  });
  const { status, spec, metadata } = pod ?? {};
  const terminated = pod && stateOf(pod)?.terminated;
  if (why === 'PodFailurePolicy') {
    return failed(`It ended with exit code ${EXIT_BAD_INPUT}.`, EXIT_BAD_INPUT);
  }
  if (why === 'DeadlineExceeded') return failed(`Its Job's time limit has passed: ${message}`, null, 'SIGTERM');
  // Its pods were deleted by hand, or with their node, and nobody knows how its program ended.
  if (!pod || !status) return { state: 'disrupted' };
  if (status.reason === 'DeadlineExceeded') {
    return failed(`It took longer than its time limit of ${spec?.activeDeadlineSeconds} s.`, null, 'SIGTERM');
  }
  if (metadata?.deletionTimestamp !== undefined && terminated?.exitCode !== 0) return { state: 'disrupted' };
  if (status.reason === 'Evicted') return failed(`Its pod was evicted: ${status.message ?? ''}`, null, 'SIGKILL');
  // What the node could not take: no room after all, a device that broke.
  if (!terminated)
    return status.reason ? { state: 'disrupted' } : failed(`Its pod failed: ${status.message ?? message}`);
  if (neverStarted(terminated)) {
    const command = spec?.containers[0]?.command?.[0]?.replaceAll('$$', '$');
    return failed(`${command} could not be started: ${terminated.message ?? terminated.reason}.`);
  }
  if (terminated.reason === 'OOMKilled') {
    const limit = spec?.containers[0]?.resources?.limits?.['memory'];
    return failed(`It took more memory than its limit of ${limit}.`, null, 'SIGKILL');
  }
  const signal = signalOf(terminated);
  return signal
    ? failed(`It was ended by ${signal}.`, null, signal)
    : failed(`It ended with exit code ${terminated.exitCode}.`, terminated.exitCode);
}

/** As runtimes say that the program itself wasn't there: containerd and CRI-O, Docker. */
function neverStarted({ reason }: V1ContainerStateTerminated): boolean {
  return reason === 'StartError' || reason === 'ContainerCannotRun';
}

/** Runtimes give 128 + n for signal n. */
function signalOf({ exitCode, signal }: V1ContainerStateTerminated): string | undefined {
  const number = signal || exitCode - 128;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

function stateOf({ status }: PodState) {
  return status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state;
}

function condition({ status }: JobState, type: string) {
  return status?.conditions?.find((one) => one.type === type && one.status === 'True');
}

function endedAs({ metadata }: JobState): RunOutcome | undefined {
  const text = metadata?.annotations?.[ENDED_AS];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as RunOutcome;
  } catch {
    return { state: 'cancelled' };
  }
}
