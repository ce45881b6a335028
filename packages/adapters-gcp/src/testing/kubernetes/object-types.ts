import type { V1PodSecurityContext, V1ResourceRequirements, V1SecurityContext } from '@kubernetes/client-node';

/** An object as the API gives it, as far as Jobs and pods are looked at here. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
    ownerReferences?: { uid: string }[];
  };
  spec: JobSpec & PodSpec;
  status: ObjectStatus;
}

interface JobSpec {
  template: { metadata?: { labels?: Record<string, string> }; spec: PodSpec };
  selector?: object;
  completionMode?: string;
  suspend?: boolean;
  completions?: number;
  parallelism?: number;
  backoffLimit?: number;
  ttlSecondsAfterFinished?: number;
  podFailurePolicy?: { rules: PolicyRule[] };
  podReplacementPolicy?: string;
}

/** A rule of a podFailurePolicy. */
export interface PolicyRule {
  action: 'FailJob' | 'Ignore' | 'Count';
  onExitCodes?: { containerName?: string; operator: 'In' | 'NotIn'; values: number[] };
  onPodConditions?: { type: string; status?: string }[];
}

export interface PodSpec {
  containers: ContainerSpec[];
  volumes?: { name: string; emptyDir?: object; hostPath?: object }[];
  restartPolicy?: string;
  /** Of a pod or of a Job. */
  activeDeadlineSeconds?: number;
  terminationGracePeriodSeconds?: number;
  securityContext?: V1PodSecurityContext;
}

export interface ContainerSpec {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: { name: string; value?: string }[];
  volumeMounts?: { name: string; mountPath: string }[];
  resources?: V1ResourceRequirements;
  securityContext?: V1SecurityContext;
}

export interface ObjectStatus {
  conditions?: Condition[];
  startTime?: string;
  /** Of a Job. */
  active?: number;
  failed?: number;
  /** Of a pod. */
  phase?: string;
  reason?: string;
  containerStatuses?: ContainerStatus[];
}

export interface Condition {
  type: string;
  status: 'True';
  reason?: string;
  message?: string;
}

export interface ContainerStatus {
  name: string;
  image?: string;
  ready: boolean;
  restartCount: number;
  state: { waiting?: object; running?: object; terminated?: Terminated };
}

export interface Terminated {
  exitCode: number;
  reason: string;
  message?: string;
}
