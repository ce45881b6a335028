import { containersOf, type Container, type Workload } from './objects.js';

/** What must hold for every pod. Gives what is wrong, in words that go behind the pod's name. */
export type PodRule = (workload: Workload) => string[];

const GIB: Record<string, number> = { Mi: 2 ** -10, Gi: 1, Ti: 1024 };
/** A quantity of storage in GiB. */
export function gib(quantity: string): number {
  const [, number, unit] = /^([0-9.]+)([MGT]i)$/.exec(quantity) ?? [];
  return Number(number) * (GIB[unit ?? ''] ?? NaN);
}

const eachContainer =
  (check: (container: Container) => string | false | undefined): PodRule =>
  (workload) =>
    containersOf(workload).flatMap((container) => {
      const wrong = check(container);
      return wrong ? [`container ${container.name}: ${wrong}`] : [];
    });

const eachPod =
  (check: (workload: Workload) => string | false | undefined): PodRule =>
  (workload) => {
    const wrong = check(workload);
    return wrong ? [wrong] : [];
  };

/** The restricted pod security standard, and what the house asks for beyond it. */
export const podRules = {
  'runs as user and group 10001, never as root': eachPod(({ pod: { securityContext: context } }) => {
    const right =
      context?.['runAsNonRoot'] === true && context['runAsUser'] === 10001 && context['runAsGroup'] === 10001;
    return !right && 'runs as somebody else';
  }),
  'has the runtime’s seccomp profile': eachPod(
    ({ pod }) => pod.securityContext?.seccompProfile?.type !== 'RuntimeDefault' && 'has no seccomp profile',
  ),
  'shares nothing with its node': eachPod(({ pod }) => {
    const shared = pod.hostNetwork || pod.hostPID || pod.hostIPC || pod.volumes?.some((volume) => volume.hostPath);
    return shared ? 'shares namespaces or folders with its node' : undefined;
  }),
  'gains no privileges and has no capabilities': eachContainer(({ securityContext: context }) => {
    const bare = context?.capabilities?.drop?.includes('ALL') && !context.capabilities.add?.length;
    return (!bare || context?.['allowPrivilegeEscalation'] !== false || Boolean(context['privileged'])) && 'has rights';
  }),
  'can’t write to its image': eachContainer(
    ({ securityContext }) => securityContext?.['readOnlyRootFilesystem'] !== true && 'may write to its root',
  ),
  'writes to volumes of a limited size': eachPod(({ pod }) => {
    const endless = pod.volumes?.find(({ emptyDir }) => emptyDir && !(gib(emptyDir.sizeLimit ?? '') > 0));
    return endless && `volume ${endless.name} has no size`;
  }),
  'may write as much as its volumes hold': eachPod(({ pod }) => {
    const sizes = (pod.volumes ?? []).map(({ emptyDir }) => (emptyDir ? gib(emptyDir.sizeLimit!) : 0));
    const wanted = sizes.reduce((sum, size) => sum + size, 0);
    const limit = gib(String(pod.containers[0]?.resources?.limits?.['ephemeral-storage']));
    return !(limit >= wanted) && `its volumes hold ${wanted} GiB, its limit is ${limit}`;
  }),
  'mounts what it names, and /tmp': eachPod(({ pod }) => {
    const names = new Set(pod.volumes?.map(({ name }) => name));
    const mounts = pod.containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
    const lost = mounts.find(({ name }) => !names.has(name));
    if (lost) return `mounts ${lost.name}, which isn’t there`;
    const idle = [...names].find((name) => !mounts.some((mount) => mount.name === name));
    if (idle) return `volume ${idle} isn’t mounted`;
    return !mounts.some(({ mountPath }) => mountPath === '/tmp') && 'has no /tmp';
  }),
  'reads secrets without writing them, and no stranger reads them': eachPod(({ pod }) => {
    const secrets = (pod.volumes ?? []).filter(({ secret }) => secret);
    const open = secrets.find(({ secret }) => ((secret!.defaultMode ?? 0o644) & 0o007) !== 0);
    if (open) return `everybody may read ${open.name}`;
    const mounts = pod.containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
    const written = mounts.find(({ name, readOnly }) => secrets.some((volume) => volume.name === name) && !readOnly);
    return written && `may write ${written.name}`;
  }),
  'asks for what it needs and has limits': eachContainer(({ resources }) => {
    const kinds = ['cpu', 'memory', 'ephemeral-storage'];
    const missing = kinds.filter((kind) => !resources?.requests?.[kind] || !resources.limits?.[kind]);
    return missing.length > 0 && `no request or limit of ${missing.join(', ')}`;
  }),
  'has an account of its own, and a token only where it starts runs': eachPod(({ pod, component }) => {
    if (!pod.serviceAccountName || pod.serviceAccountName === 'default') return 'uses the default account';
    if (!pod.serviceAccountName.endsWith(`-${component}`)) return `uses the account ${pod.serviceAccountName}`;
    const mayHold = component === 'trainer-launcher';
    return pod.automountServiceAccountToken !== mayHold && `token mounted: ${pod.automountServiceAccountToken}`;
  }),
  'stops within 15 s, its drain included': eachPod(({ pod }) => {
    const grace = pod.terminationGracePeriodSeconds ?? 30;
    if (grace > 15) return `has ${grace} s to stop`;
    const [container] = pod.containers;
    const drain = Number(container?.env?.find(({ name }) => name === 'SOUNDSTAGE_DRAIN_S')?.value ?? 0);
    const before = container?.lifecycle?.preStop?.sleep?.seconds ?? 0;
    // packages/core gives a stop its drain and 5 s, then ends the process.
    return before + drain + 5 > grace && `its stop may take ${before + drain + 5} s of ${grace}`;
  }),
} satisfies Record<string, PodRule>;

export type PodRuleName = keyof typeof podRules;

/** Every rule that a pod breaks, with the pod's name. */
export function brokenRules(workload: Workload): string[] {
  return Object.entries<PodRule>(podRules).flatMap(([name, rule]) =>
    rule(workload).map((wrong) => `${workload.title}: ${wrong} (rule: ${name})`),
  );
}
