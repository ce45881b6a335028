import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { caseNames, cases } from './cases.js';
import { describeChart, lint, notes, render, root } from './helm.js';
import { createSchemaCheck, kubernetesVersions } from './kubernetes-schema.js';
import { selects } from './network.js';
import { containersOf, ofKind, titleOf, workloadsOf, type KubeObject } from './objects.js';

const checks = kubernetesVersions.map(createSchemaCheck);
const wrongFields = (objects: readonly KubeObject[]) =>
  objects.flatMap((object) => checks.flatMap((check) => check(object)));

/** What an object selects pods by. */
function selectorOf({ kind, spec }: KubeObject): Parameters<typeof selects>[0] | undefined {
  const selector = spec?.['selector'] as Record<string, string> | undefined;
  if (kind === 'Service') return selector && { matchLabels: selector };
  return ['Deployment', 'PodDisruptionBudget', 'PodMonitoring', 'PodMonitor'].includes(kind) ? selector : undefined;
}

describeChart.each(caseNames)('The chart with %s', (name) => {
  const objects = () => render(cases[name]);
  const deployments = () => ofKind(objects(), 'Deployment');
  const names = (kind: string) => ofKind(objects(), kind).map(({ metadata }) => metadata.name);

  test('renders objects of which Kubernetes knows every field', () => {
    expect(kubernetesVersions).toEqual(['1.31', '1.35']);
    expect(wrongFields(objects())).toEqual([]);
  });

  test('gives every object the common labels, a namespace, and a name of its own', () => {
    const titles = objects().map(titleOf);
    expect(titles).toHaveLength(new Set(titles).size);
    for (const object of objects()) {
      expect({ title: titleOf(object), ...object.metadata.labels }).toMatchObject({
        'app.kubernetes.io/name': 'soundstage',
        'app.kubernetes.io/instance': 'soundstage',
        'app.kubernetes.io/component': expect.stringMatching(/^[a-z-]+$/),
        'app.kubernetes.io/part-of': 'soundstage',
        'app.kubernetes.io/version': expect.stringMatching(/^\S+$/),
        'app.kubernetes.io/managed-by': 'Helm',
        'helm.sh/chart': 'soundstage-0.1.0',
      });
      if (object.kind !== 'PriorityClass') expect(object.metadata.namespace).toBe('soundstage');
    }
  });

  test('selects what is there, and with services and budgets exactly one deployment’s pods', () => {
    const pods = workloadsOf(objects()).map(({ labels }) => labels);
    for (const object of objects()) {
      const selector = selectorOf(object);
      if (!selector) continue;
      const selected = pods.filter((labels) => selects(selector, labels)).length;
      if (object.kind.startsWith('PodMonitor')) expect([titleOf(object), selected]).toEqual([titleOf(object), 7]);
      else expect([titleOf(object), selected]).toEqual([titleOf(object), 1]);
    }
    expect(names('PodDisruptionBudget')).toEqual(names('Deployment'));
  });

  test('points to objects that are there', () => {
    const accounts = names('ServiceAccount');
    const claims = names('PersistentVolumeClaim');
    const classes = names('PriorityClass');
    for (const { title, pod } of workloadsOf(objects())) {
      expect([title, accounts]).toEqual([title, expect.arrayContaining([pod.serviceAccountName])]);
      for (const { persistentVolumeClaim: claim } of pod.volumes ?? []) {
        if (claim) expect(claims).toContain(claim.claimName);
      }
      if (pod.priorityClassName) expect(classes).toContain(pod.priorityClassName);
    }
    for (const scaler of [...ofKind(objects(), 'HorizontalPodAutoscaler'), ...ofKind(objects(), 'ScaledObject')]) {
      expect(names('Deployment')).toContain((scaler.spec!['scaleTargetRef'] as { name: string }).name);
      // What scales has no number of its own: an upgrade would reset it.
      const target = deployments().find(({ metadata }) => metadata.name === scaler.metadata.name)!;
      expect(target.spec).not.toHaveProperty('replicas');
    }
    for (const ingress of ofKind(objects(), 'Ingress')) {
      const { rules } = ingress.spec as { rules: { http: { paths: { backend: { service: { name: string } } }[] } }[] };
      for (const { backend } of rules.flatMap((rule) => rule.http.paths)) {
        expect(names('Service')).toContain(backend.service.name);
      }
    }
  });

  test('asks for health on ports that its containers name, and loads models before it is called alive', () => {
    for (const { title, pod } of workloadsOf(deployments())) {
      const [container] = pod.containers;
      const ports = container!.ports!.map((port) => port.name);
      const asked = [container!.startupProbe, container!.livenessProbe, container!.readinessProbe];
      expect([title, ...asked.map((probe) => probe?.httpGet?.path)]).toEqual([
        title,
        '/healthz',
        '/healthz',
        '/readyz',
      ]);
      for (const probe of asked) expect(ports).toContain(probe!.httpGet!.port);
      const startupS = container!.startupProbe!.failureThreshold! * container!.startupProbe!.periodSeconds!;
      const hasModels = container!.env!.some((variable) => variable.name === 'SOUNDSTAGE_MODEL_THREADS');
      expect([title, startupS >= (hasModels ? 120 : 30)]).toEqual([title, true]);
    }
    for (const service of ofKind(objects(), 'Service')) {
      const { pod } = workloadsOf(deployments()).find(({ labels }) => selects(selectorOf(service)!, labels))!;
      for (const { targetPort } of service.spec!['ports'] as { targetPort: string }[]) {
        expect(pod.containers[0]!.ports!.map((port) => port.name)).toContain(targetPort);
      }
    }
  });

  test('runs images that have a Dockerfile, with a tag or digest and never `latest`', () => {
    const built = readdirSync(`${root}docker`)
      .filter((file) => file.endsWith('.Dockerfile'))
      .map((file) => `soundstage-${file.replace('.Dockerfile', '')}`);
    const variables = workloadsOf(objects()).flatMap((workload) =>
      containersOf(workload).flatMap(({ env = [] }) => env),
    );
    const images = [
      ...workloadsOf(objects()).flatMap((workload) => containersOf(workload).map(({ image }) => image)),
      ...variables.flatMap(({ name, value }) => (name === 'SOUNDSTAGE_RUNNER_IMAGE' ? [value!] : [])),
    ];
    expect(images.length).toBeGreaterThan(9);
    for (const image of images) {
      const [, repository, tag] = /^(?:.+\/)?([^/:]+):(.+)$/.exec(image) ?? [];
      expect(built).toContain(repository);
      expect(tag).not.toBe('latest');
    }
  });

  test('gives rights in the cluster to trainer-launcher alone, and only those that runs need', () => {
    expect(names('ClusterRole')).toEqual([]);
    expect(names('Role')).toEqual([expect.stringMatching(/-trainer-launcher$/)]);
    const [binding] = ofKind(objects(), 'RoleBinding');
    expect(binding).toMatchObject({ subjects: [{ name: expect.stringMatching(/-trainer-launcher$/) }] });
    expect((ofKind(objects(), 'Role')[0] as unknown as { rules: unknown }).rules).toEqual([
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch', 'delete', 'patch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
    ]);
    for (const account of ofKind(objects(), 'ServiceAccount')) {
      expect(account).toMatchObject({ automountServiceAccountToken: false });
    }
  });
});

describeChart('The chart', () => {
  test.each(caseNames.filter((name) => name.startsWith('values')))(
    'is taken by a strict lint, and says what to do next: %s',
    (name) => {
      expect(lint(cases[name])).toBe('');
      expect(notes(cases[name])).toMatch(/helm --namespace soundstage test soundstage/);
    },
  );
});

describeChart('The check of objects', () => {
  test('finds a field that Kubernetes doesn’t know, at any depth, and a kind that isn’t there', () => {
    const deployment = structuredClone(ofKind(render(cases['values.yaml']), 'Deployment')[0]!);
    const [{ pod }] = workloadsOf([deployment]) as [ReturnType<typeof workloadsOf>[number]];
    Object.assign(pod.containers[0]!.securityContext!, { readOnlyRootFileSystem: true });
    expect(wrongFields([deployment])).toEqual(
      Array.from({ length: 2 }, () => expect.stringContaining('securityContext must NOT have additional properties')),
    );
    const scaler = structuredClone(ofKind(render(cases['values-gke-t4.yaml']), 'ScaledObject')[0]!);
    Object.assign(scaler.spec!, { maxReplicas: 3 });
    expect(wrongFields([scaler]).join()).toContain('maxReplicas');
    expect(wrongFields([{ apiVersion: 'apps/v1', kind: 'Deploiment', metadata: { name: 'x' } }])).toHaveLength(2);
  });
});
