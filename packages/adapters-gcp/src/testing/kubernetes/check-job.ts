import * as client from '@kubernetes/client-node';
import { Job } from 'kubernetes-models/batch/v1';
import type { KubeObject, PodSpec } from './object-types.js';
import { ApiStatus } from './objects.js';

/** One field of a class of the client library, which is made from Kubernetes' OpenAPI description. */
interface Attribute {
  baseName: string;
  type: string;
}
type Model = { getAttributeTypeMap?: () => Attribute[] } | undefined;

/**
 * Holds a Job to Kubernetes' schema (types, required fields, and no field that isn't there), to rules of the API server
 * that the schema doesn't have, and to the restricted pod security standard.
 *
 * @throws ApiStatus 422, 403, or 400 for an unknown field as with `fieldValidation=Strict`
 */
export function checkJob(given: unknown): void {
  const unknown = unknownFields(given, 'V1Job', '');
  if (unknown.length > 0) {
    throw new ApiStatus(
      400,
      'BadRequest',
      `strict decoding error: ${unknown.map((path) => `unknown field "${path}"`).join(', ')}`,
    );
  }
  try {
    new Job(given as ConstructorParameters<typeof Job>[0]).validate();
  } catch (thrown) {
    throw invalid((thrown as Error).message);
  }
  const job = given as KubeObject;
  const wrong = [...jobRules(job), ...podRules(job.spec.template.spec)];
  if (wrong.length > 0) throw invalid(`Job.batch "${job.metadata.name}" is invalid: ${wrong.join(', ')}`);
  const insecure = restrictedRules(job.spec.template.spec);
  if (insecure.length > 0) {
    throw new ApiStatus(403, 'Forbidden', `violates PodSecurity "restricted:latest": ${insecure.join(', ')}`);
  }
}

/** What may change in a Job that is there: https://kubernetes.io/docs/concepts/workloads/controllers/job/ */
export function checkChange(before: KubeObject, after: KubeObject): void {
  for (const field of ['selector', 'template', 'completionMode', 'podFailurePolicy', 'completions'] as const) {
    if (JSON.stringify(before.spec[field]) !== JSON.stringify(after.spec[field])) {
      throw invalid(`Job.batch "${before.metadata.name}" is invalid: spec.${field}: field is immutable`);
    }
  }
}

function invalid(message: string): ApiStatus {
  return new ApiStatus(422, 'Invalid', message);
}

function unknownFields(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list) return (value as unknown[]).flatMap((item, at) => unknownFields(item, list, `${path}[${at}]`));
  const model = (client as unknown as Record<string, Model>)[type];
  if (!model?.getAttributeTypeMap || typeof value !== 'object' || value === null) return [];
  const known = new Map(model.getAttributeTypeMap().map(({ baseName, type: of }) => [baseName, of]));
  return Object.entries(value).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const of = known.get(name);
    return of === undefined ? [at] : field === undefined ? [] : unknownFields(field, of, at);
  });
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

function jobRules({ metadata, spec }: KubeObject): string[] {
  const wrong: string[] = [];
  if (!DNS_LABEL.test(metadata.name)) wrong.push(`metadata.name: Invalid value: "${metadata.name}"`);
  for (const value of Object.values({ ...metadata.labels, ...spec.template.metadata?.labels } as Record<
    string,
    string
  >)) {
    if (!LABEL_VALUE.test(value)) wrong.push(`metadata.labels: Invalid value: "${value}"`);
  }
  for (const name of [
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'activeDeadlineSeconds',
    'parallelism',
    'completions',
  ] as const) {
    if ((spec[name] ?? 0) < 0) wrong.push(`spec.${name}: must be greater than or equal to 0`);
  }
  if (!['Never', 'OnFailure'].includes(spec.template.spec.restartPolicy ?? 'Always')) {
    wrong.push('spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"');
  }
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > 0 && spec.template.spec.restartPolicy !== 'Never') {
    wrong.push('spec.template.spec.restartPolicy: only "Never" is supported when podFailurePolicy is specified');
  }
  if (rules.length > 0 && (spec.podReplacementPolicy ?? 'Failed') !== 'Failed') {
    wrong.push('spec.podReplacementPolicy: only "Failed" is supported when podFailurePolicy is specified');
  }
  rules.forEach(({ onExitCodes, onPodConditions }, at) => {
    const path = `spec.podFailurePolicy.rules[${at}]`;
    if ((onExitCodes === undefined) === (onPodConditions === undefined))
      wrong.push(`${path}: specifying one of the two is required`);
    const values = onExitCodes?.values ?? [];
    if (onExitCodes?.operator === 'In' && values.includes(0))
      wrong.push(`${path}.onExitCodes.values: must not be 0 for the In operator`);
    if (values.join() !== [...new Set(values)].sort((a, b) => a - b).join())
      wrong.push(`${path}.onExitCodes.values: must be ordered and unique`);
    const containers = spec.template.spec.containers.map(({ name }) => name);
    if (onExitCodes?.containerName !== undefined && !containers.includes(onExitCodes.containerName)) {
      wrong.push(`${path}.onExitCodes.containerName: must be one of the container names`);
    }
  });
  return wrong;
}

function podRules(spec: PodSpec): string[] {
  const wrong: string[] = [];
  const volumes = (spec.volumes ?? []).map(({ name }) => name);
  if (new Set(volumes).size < volumes.length) wrong.push('spec.template.spec.volumes: Duplicate value');
  if (spec.activeDeadlineSeconds !== undefined && !(spec.activeDeadlineSeconds >= 1)) {
    wrong.push('spec.template.spec.activeDeadlineSeconds: must be between 1 and 2147483647, inclusive');
  }
  for (const { name, image, volumeMounts = [], env = [], resources = {} } of spec.containers) {
    if (!DNS_LABEL.test(name)) wrong.push('containers.name: Invalid value');
    if (!image) wrong.push('containers.image: Required value');
    const paths = volumeMounts.map(({ mountPath }) => mountPath);
    if (new Set(paths).size < paths.length) wrong.push('volumeMounts.mountPath: must be unique');
    for (const mount of volumeMounts)
      if (!volumes.includes(mount.name)) wrong.push(`volumeMounts.name: Not found: "${mount.name}"`);
    for (const { name: variable } of env) if (!/^[^\0=]+$/.test(variable)) wrong.push('env.name: Invalid value');
    for (const [what, quantity] of Object.entries({ ...resources.requests, ...resources.limits } as Record<
      string,
      string
    >)) {
      if (!/^\d+(\.\d+)?(m|[kMGTPE]i?)?$/.test(quantity))
        wrong.push(`resources.${what}: quantities must match the regular expression`);
    }
    const gpu = 'nvidia.com/gpu';
    if (resources.requests?.[gpu] !== resources.limits?.[gpu])
      wrong.push(`resources.requests: must be equal to ${gpu} limit`);
  }
  return wrong;
}

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted */
function restrictedRules(spec: PodSpec): string[] {
  const wrong: string[] = [];
  if (spec.securityContext?.runAsNonRoot !== true) wrong.push('runAsNonRoot != true');
  if (spec.securityContext?.runAsUser === 0) wrong.push('runAsUser=0');
  if (!['RuntimeDefault', 'Localhost'].includes(spec.securityContext?.seccompProfile?.type ?? ''))
    wrong.push('seccompProfile');
  for (const volume of spec.volumes ?? []) if (volume.hostPath) wrong.push('restricted volume types');
  for (const { securityContext = {} } of spec.containers) {
    if (securityContext.allowPrivilegeEscalation !== false) wrong.push('allowPrivilegeEscalation != false');
    if (!securityContext.capabilities?.drop?.includes('ALL')) wrong.push('unrestricted capabilities');
  }
  return wrong;
}
