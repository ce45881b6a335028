import { expect, test } from '@jest/globals';
import { caseNames, cases } from './cases.js';
import { describeChart, render } from './helm.js';
import { workloadsOf, type Workload } from './objects.js';
import { brokenRules, podRules, type PodRuleName } from './pod-rules.js';

describeChart('Every pod of the chart', () => {
  test.each(caseNames)('keeps the rules: %s', (name) => {
    const workloads = workloadsOf(render(cases[name]));
    expect(workloads.length).toBeGreaterThanOrEqual(9);
    expect(workloads.flatMap(brokenRules)).toEqual([]);
  });

  // A rule that nothing breaks proves nothing.
  const container = ({ pod }: Workload) => pod.containers[0]!;
  const breaks: Record<PodRuleName, ((workload: Workload) => unknown)[]> = {
    'runs as user and group 10001, never as root': [
      ({ pod }) => (pod.securityContext!['runAsUser'] = 0),
      ({ pod }) => delete pod.securityContext!['runAsNonRoot'],
      ({ pod }) => delete pod.securityContext,
    ],
    'has the runtime’s seccomp profile': [({ pod }) => (pod.securityContext!.seccompProfile = { type: 'Unconfined' })],
    'shares nothing with its node': [
      ({ pod }) => (pod.hostNetwork = true),
      ({ pod }) => pod.volumes!.push({ name: 'disk', hostPath: { path: '/' } }),
    ],
    'gains no privileges and has no capabilities': [
      (workload) => (container(workload).securityContext!.capabilities = { drop: ['ALL'], add: ['NET_ADMIN'] }),
      (workload) => (container(workload).securityContext!['privileged'] = true),
      (workload) => delete container(workload).securityContext,
    ],
    'can’t write to its image': [
      (workload) => (container(workload).securityContext!['readOnlyRootFilesystem'] = false),
    ],
    'writes to volumes of a limited size': [
      ({ pod }) => (pod.volumes!.find(({ emptyDir }) => emptyDir)!.emptyDir = {}),
    ],
    'may write as much as its volumes hold': [
      (workload) => (container(workload).resources!.limits!['ephemeral-storage'] = '100Mi'),
    ],
    'mounts what it names, and /tmp': [
      (workload) => container(workload).volumeMounts!.push({ name: 'nothing', mountPath: '/nothing' }),
      ({ pod }) => pod.volumes!.push({ name: 'idle', emptyDir: { sizeLimit: '1Mi' } }),
      (workload) => (container(workload).volumeMounts!.find(({ mountPath }) => mountPath === '/tmp')!.mountPath = '/t'),
    ],
    'reads secrets without writing them, and no stranger reads them': [
      ({ pod }) => (pod.volumes!.find(({ secret }) => secret)!.secret!.defaultMode = 0o644),
      (workload) => delete container(workload).volumeMounts!.find(({ name }) => name === 'auth')!.readOnly,
    ],
    'asks for what it needs and has limits': [(workload) => delete container(workload).resources!.limits!['memory']],
    'has an account of its own, and a token only where it starts runs': [
      ({ pod }) => delete pod.serviceAccountName,
      ({ pod }) => (pod.serviceAccountName = 'soundstage-trainer-launcher'),
      ({ pod }) => (pod.automountServiceAccountToken = true),
      ({ pod }) => delete pod.automountServiceAccountToken,
    ],
    'stops within 15 s, its drain included': [
      ({ pod }) => (pod.terminationGracePeriodSeconds = 30),
      (workload) => (container(workload).env!.find(({ name }) => name === 'SOUNDSTAGE_DRAIN_S')!.value = '12'),
    ],
  };

  test.each(Object.keys(podRules) as PodRuleName[])('would be found out: %s', (rule) => {
    const worker = workloadsOf(render(cases['values.yaml'])).find(({ component }) => component === 'inference-worker')!;
    for (const [n, breakIt] of breaks[rule].entries()) {
      const broken = structuredClone(worker);
      breakIt(broken);
      const found = [n, podRules[rule](broken).length];
      expect(found).toEqual([n, 1]);
      expect(brokenRules(broken).join()).toContain('Deployment soundstage-inference-worker: ');
    }
  });
});
