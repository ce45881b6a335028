import type { V1Container, V1EnvVar, V1Job, V1PodSpec, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { RunSpec } from '@soundstage/core';

/** How the Jobs of runs are made. */
export interface RunJobOptions {
  /** The image that runs' programs are in. */
  image: string;
  /** Service account of the pods, which are given no token of it. Default `default`. */
  serviceAccount?: string | undefined;
  /** A ReadWriteMany claim through which the service and its runs share folders, and where it is mounted. */
  volume?: { claim: string; path: string } | undefined;
  /** Requested; a run may take more where there is more. Default `2`. */
  cpu?: string | undefined;
  /** Requested, and the limit. Default `8Gi`. */
  memory?: string | undefined;
  /** GKE's name of the accelerator that a run with `needsGpu` gets one of. Default `nvidia-tesla-t4`. */
  gpuType?: string | undefined;
  /** The node label `cloud.google.com/gke-gpu-driver-version` that such a run asks for; `none` asks for none. Default `default`. */
  gpuDriver?: string | undefined;
  /** On Spot nodes. Default false. */
  spot?: boolean | undefined;
  /** How long an ended run is kept, seconds. Default 86,400. */
  ttlS?: number | undefined;
  priorityClass?: string | undefined;
  /** Name of a Kueue LocalQueue that lets runs in. */
  queue?: string | undefined;
  /** From SIGTERM to SIGKILL, seconds. Default 15: what a Spot node gives. */
  graceS?: number | undefined;
}

export const CONTAINER = 'run';
export const COMPONENT_LABELS = {
  'app.kubernetes.io/part-of': 'soundstage',
  'app.kubernetes.io/component': 'run',
  'app.kubernetes.io/managed-by': 'soundstage',
} as const;
/** Set by whoever ends a run before it has ended itself: the outcome that everybody then reads, as JSON. */
export const ENDED_AS = 'soundstage.dev/ended-as';
/** The pods' label with the uid of their Job: pods of an earlier Job of that name have another. */
export const JOB_UID_LABEL = 'batch.kubernetes.io/controller-uid';
/** Bad input by convention: never tried again. */
export const EXIT_BAD_INPUT = 42;

const USER = 10001;
const HOME = '/home/soundstage';
/** A pod takes no longer limit (int32). */
const LIMIT_MAX_S = 2 ** 31 - 1;

/**
 * The Job of a run. Its own failure is never tried again here (that is the caller's to decide), while a pod that was
 * taken away, by a Spot node's end for example, is replaced without being counted.
 *
 * The time limit is the pod's, so that waiting for a node doesn't count, and a pod that ran out of it keeps its log.
 */
export function runJob(spec: RunSpec, options: RunJobOptions): V1Job {
  const labels = { ...COMPONENT_LABELS, 'app.kubernetes.io/instance': spec.name };
  const { queue } = options;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: spec.name, labels: { ...labels, ...(queue ? { 'kueue.x-k8s.io/queue-name': queue } : {}) } },
    spec: {
      // Kueue lets it go when there is quota.
      ...(queue ? { suspend: true } : {}),
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: { containerName: CONTAINER, operator: 'In', values: [EXIT_BAD_INPUT] },
          },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      // Never two pods at once in one folder.
      podReplacementPolicy: 'Failed',
      ttlSecondsAfterFinished: options.ttlS ?? 86_400,
      template: { metadata: { labels }, spec: podSpec(spec, options) },
    },
  };
}

function podSpec(spec: RunSpec, options: RunJobOptions): V1PodSpec {
  const { gpuType = 'nvidia-tesla-t4', gpuDriver = 'default', spot = false } = options;
  const nodeSelector: Record<string, string> = {
    ...(spec.needsGpu
      ? {
          'cloud.google.com/gke-accelerator': gpuType,
          ...(gpuDriver === 'none' ? {} : { 'cloud.google.com/gke-gpu-driver-version': gpuDriver }),
        }
      : {}),
    ...(spot ? { 'cloud.google.com/gke-spot': 'true' } : {}),
  };
  const tolerations = [
    ...(spec.needsGpu ? [{ key: 'nvidia.com/gpu', operator: 'Equal', value: 'present', effect: 'NoSchedule' }] : []),
    ...(spot ? [{ key: 'cloud.google.com/gke-spot', operator: 'Equal', value: 'true', effect: 'NoSchedule' }] : []),
  ];
  const { volumes, mounts } = storage(options);
  return {
    restartPolicy: 'Never',
    serviceAccountName: options.serviceAccount ?? 'default',
    automountServiceAccountToken: false,
    // Addresses of other services in the environment are none of a run's business.
    enableServiceLinks: false,
    terminationGracePeriodSeconds: Math.ceil(options.graceS ?? 15),
    ...(spec.timeoutS === undefined ? {} : { activeDeadlineSeconds: Math.min(Math.ceil(spec.timeoutS), LIMIT_MAX_S) }),
    ...(options.priorityClass ? { priorityClassName: options.priorityClass } : {}),
    ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
    ...(tolerations.length > 0 ? { tolerations } : {}),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      // A shared volume with many files isn't walked through at each start.
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumes,
    containers: [container(spec, options, mounts)],
  };
}

function container(spec: RunSpec, options: RunJobOptions, volumeMounts: V1VolumeMount[]): V1Container {
  const { cpu = '2', memory = '8Gi' } = options;
  const gpu: Record<string, string> = spec.needsGpu ? { 'nvidia.com/gpu': '1' } : {};
  return {
    name: CONTAINER,
    image: options.image,
    command: [escape(spec.command)],
    args: spec.args.map(escape),
    workingDir: spec.cwd ?? HOME,
    env: environment(spec.env ?? {}),
    resources: { requests: { cpu, memory, ...gpu }, limits: { memory, ...gpu } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePolicy: 'File',
    volumeMounts,
  };
}

/** PATH is the image's. */
function environment(own: Record<string, string>): V1EnvVar[] {
  const all = { HOME, TMPDIR: '/tmp', LANG: 'C.UTF-8', ...own };
  return Object.entries(all).map(([name, value]) => ({ name, value: escape(value) }));
}

function storage({ volume }: RunJobOptions): { volumes: V1Volume[]; mounts: V1VolumeMount[] } {
  const volumes: V1Volume[] = [
    { name: 'tmp', emptyDir: { sizeLimit: '10Gi' } },
    { name: 'home', emptyDir: { sizeLimit: '10Gi' } },
  ];
  const mounts: V1VolumeMount[] = [
    { name: 'tmp', mountPath: '/tmp' },
    { name: 'home', mountPath: HOME },
  ];
  if (volume) {
    volumes.push({ name: 'runs', persistentVolumeClaim: { claimName: volume.claim } });
    mounts.push({ name: 'runs', mountPath: volume.path });
  }
  return { volumes, mounts };
}

/** Kubernetes replaces `$(NAME)` in commands, arguments and the environment, and `$$` by `$`. */
function escape(text: string): string {
  return text.replaceAll('$', '$$$$');
}
