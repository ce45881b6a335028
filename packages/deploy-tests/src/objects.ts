/** A Kubernetes object as the chart renders it; only what the tests read is typed. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: Record<string, unknown>;
  [key: string]: unknown;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string } };
}

export interface Probe {
  httpGet?: { path: string; port: string | number };
  periodSeconds?: number;
  failureThreshold?: number;
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  env?: EnvVar[];
  ports?: { name: string; containerPort: number }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string | number> };
  securityContext?: Record<string, unknown> & { capabilities?: { drop?: string[]; add?: string[] } };
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
}

export interface Volume {
  name: string;
  emptyDir?: { sizeLimit?: string };
  secret?: { secretName: string; defaultMode?: number };
  persistentVolumeClaim?: { claimName: string };
  hostPath?: unknown;
}

export interface PodSpec {
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  priorityClassName?: string;
  terminationGracePeriodSeconds?: number;
  restartPolicy?: string;
  securityContext?: Record<string, unknown> & { seccompProfile?: { type?: string } };
  nodeSelector?: Record<string, string>;
  tolerations?: { key?: string; operator?: string; value?: string; effect?: string }[];
  topologySpreadConstraints?: { topologyKey: string; labelSelector: { matchLabels: Record<string, string> } }[];
  initContainers?: Container[];
  containers: Container[];
  volumes?: Volume[];
}

/** A pod, or what makes pods. */
export interface Workload {
  /** `Deployment soundstage-gateway`, for messages. */
  title: string;
  object: KubeObject;
  component: string;
  labels: Record<string, string>;
  pod: PodSpec;
}

/** All pods of rendered objects, whatever makes them. */
export function workloadsOf(objects: readonly KubeObject[]): Workload[] {
  return objects.flatMap((object) => {
    const template = templateOf(object);
    if (!template) return [];
    const labels = template.metadata?.labels ?? {};
    const component = labels['app.kubernetes.io/component'] ?? '';
    return [{ title: titleOf(object), object, component, labels, pod: template.spec }];
  });
}

export const titleOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.name}`;

export const containersOf = ({ pod }: Workload): Container[] => [...(pod.initContainers ?? []), ...pod.containers];

export const envOf = (container: Container): Record<string, string> =>
  Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? '']));

export const ofKind = (objects: readonly KubeObject[], kind: string): KubeObject[] =>
  objects.filter((object) => object.kind === kind);

interface Template {
  metadata?: { labels?: Record<string, string> };
  spec: PodSpec;
}

function templateOf({ kind, metadata, spec }: KubeObject): Template | undefined {
  switch (kind) {
    case 'Pod':
      return { metadata, spec: spec as unknown as PodSpec };
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'Job':
      return spec!['template'] as Template;
    case 'CronJob':
      return (spec!['jobTemplate'] as { spec: { template: Template } }).spec.template;
    default:
      return undefined;
  }
}
