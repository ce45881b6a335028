import { describe, expect, test } from '@jest/globals';
import { cases, type CaseName } from './cases.js';
import { describeChart, namespace, render } from './helm.js';
import { createNetwork, inBlock, selects, type Peer } from './network.js';
import { workloadsOf } from './objects.js';

const podOf = (name: string, ip: string, inNamespace: string, labels: Record<string, string>): Peer => ({
  name,
  ip,
  namespace: inNamespace,
  labels,
});
const run = { 'app.kubernetes.io/part-of': 'soundstage', 'app.kubernetes.io/component': 'run' };

/** Those beside the chart's own pods who might want to talk. */
const others: Peer[] = [
  podOf('a training', '10.8.1.1', namespace, { ...run, 'app.kubernetes.io/managed-by': 'soundstage' }),
  podOf('a batch', '10.8.1.2', namespace, { ...run, 'app.kubernetes.io/component': 'batch' }),
  podOf('a stranger', '10.8.1.3', namespace, { app: 'other' }),
  podOf('a stranger elsewhere', '10.8.1.4', 'default', run),
  podOf('DNS', '10.8.1.5', 'kube-system', { 'k8s-app': 'kube-dns' }),
  podOf('another of kube-system', '10.8.1.6', 'kube-system', { 'k8s-app': 'metrics' }),
  podOf('Google’s Prometheus', '10.8.1.7', 'gmp-system', { app: 'collector' }),
  podOf('Prometheus', '10.8.1.8', 'monitoring', { app: 'prometheus' }),
  podOf('nginx', '10.8.1.9', 'nginx-ingress', { app: 'nginx' }),
  podOf('spans', '10.8.1.10', 'observability', { app: 'otel' }),
  podOf('stand-ins', '10.8.1.11', 'stand-ins', { app: 'emulator' }),
  { name: 'Google’s front end', ip: '35.191.3.4' },
  { name: 'Google’s APIs', ip: '199.36.153.9' },
  { name: 'the metadata server', ip: '169.254.169.254' },
  { name: 'its stand-in on GKE', ip: '169.254.169.252' },
  { name: 'the cluster’s API', ip: '172.16.0.2' },
  { name: 'the internet', ip: '93.184.215.14' },
  { name: 'the internet (6)', ip: '2606:2800:21f::1' },
  { name: 'a private host', ip: '192.168.7.7' },
  { name: 'a private host (6)', ip: 'fd00::7' },
  { name: 'an IPv4 host in IPv6', ip: '::ffff:10.0.0.1' },
];
const PORTS = [22, 53, 80, 443, 988, 4318, 4443, 6443, 7400, 7480, 8085, 9464];

/** Every connection that gets through, as `from → to:port`; names of the chart's pods are those of their components. */
function connections(name: CaseName): Set<string> {
  const objects = render(cases[name]);
  const own = workloadsOf(objects).map(({ component, labels }, i) =>
    podOf(component, `10.8.0.${i}`, namespace, labels),
  );
  const network = createNetwork(objects);
  const through = new Set<string>();
  for (const from of [...own, ...others]) {
    for (const to of [...own, ...others]) {
      if (from === to || (others.includes(from) && others.includes(to) && !isOurs(from) && !isOurs(to))) continue;
      for (const port of PORTS) if (network.allows(from, to, port)) through.add(`${from.name} → ${to.name}:${port}`);
    }
  }
  return through;
}
function isOurs({ name }: Peer): boolean {
  return name === 'a training' || name === 'a batch';
}

const GRPC = ['collector', 'feature-extractor', 'inference', 'preprocessor', 'splitter', 'trainer-launcher'];
const WORKING = [...GRPC, 'inference-worker'];
const CLIENTS = ['a batch', 'client'];
const ENGINES = [
  'Google’s APIs:443',
  'the metadata server:80',
  'the metadata server:988',
  'its stand-in on GKE:80',
  'its stand-in on GKE:988',
];
const unguarded = others.filter((peer) => peer.labels && !isOurs(peer)).map(({ name }) => name);
const to = (from: readonly string[], targets: readonly string[]) =>
  from.flatMap((each) => targets.map((target) => `${each} → ${target}`));

/** What everybody needs, whatever the values. */
const always = [
  ...to([...WORKING, 'gateway', ...CLIENTS], ['DNS:53']),
  ...to(['gateway'], ['inference:7400']),
  ...to(CLIENTS, [...GRPC.map((service) => `${service}:7400`), 'gateway:7480']),
  ...to(['collector'], ['the internet:80', 'the internet:443', 'the internet (6):80', 'the internet (6):443']),
  // By the internet: these are public addresses, too.
  ...to(['collector'], ['Google’s APIs:80', 'Google’s front end:80', 'Google’s front end:443']),
  // By the private ranges that the cluster's API may be in; other people's pods are in them, too.
  ...to(
    ['trainer-launcher'],
    ['the cluster’s API', 'a private host', ...unguarded].flatMap((target) => [`${target}:443`, `${target}:6443`]),
  ),
];
const onGoogle = [
  ...to([...WORKING, ...CLIENTS, 'queue-init'], ENGINES),
  'queue-init → DNS:53',
  'collector → Google’s APIs:443',
];

describeChart('Network policies', () => {
  test.each<[CaseName, string[]]>([
    ['values.yaml', [...always, ...onGoogle]],
    ['values-local.yaml', [...always, 'collector → Google’s APIs:443']],
    [
      'values-gke-t4.yaml',
      [
        ...always,
        ...onGoogle,
        'Google’s front end → gateway:7480',
        ...to(
          ['Google’s Prometheus'],
          WORKING.map((service) => `${service}:9464`),
        ),
      ],
    ],
    [
      'nginx with gRPC, and metrics by Prometheus’ operator',
      [
        ...always,
        ...onGoogle,
        ...to(['nginx'], ['gateway:7480', ...GRPC.map((service) => `${service}:7400`)]),
        ...to(
          ['Prometheus'],
          WORKING.map((service) => `${service}:9464`),
        ),
      ],
    ],
    [
      'stand-ins for Google’s engines',
      [...always, ...onGoogle, ...to([...WORKING, ...CLIENTS, 'queue-init'], ['stand-ins:8085', 'stand-ins:4443'])],
    ],
  ])('let through what is needed and nothing else: %s', (name, expected) => {
    expect([...connections(name)].sort()).toEqual([...new Set(expected)].sort());
  });

  test('let spans go out, and the keys of an issuer come in, where they are asked for', () => {
    const through = connections('T4 with TLS everywhere, OIDC, spans, gRPC from outside and Kueue');
    for (const service of [...WORKING, 'gateway']) {
      expect(through).toContain(`${service} → spans:4318`);
      expect(through).toContain(`${service} → the internet:443`);
    }
    for (const service of GRPC) expect(through).toContain(`Google’s front end → ${service}:9464`);
    expect(through).not.toContain('client → spans:4318');
  });

  test('leave nothing open where one is taken away', () => {
    const objects = render(cases['values.yaml']);
    const peers = new Map(
      workloadsOf(objects).map(({ component, labels }) => [component, podOf(component, '10.8.0.1', namespace, labels)]),
    );
    const [gateway, inference] = [peers.get('gateway')!, peers.get('inference')!];
    expect(createNetwork(objects).allows(gateway, inference, 7400)).toBe(true);
    for (const side of ['gateway', 'inference']) {
      const fewer = objects.filter(
        ({ kind, metadata }) => kind !== 'NetworkPolicy' || metadata.name !== `soundstage-${side}`,
      );
      expect(createNetwork(fewer).allows(gateway, inference, 7400)).toBe(false);
    }
    expect(createNetwork([]).allows(gateway, inference, 22)).toBe(true);
    const dns = others.find(({ name }) => name === 'DNS')!;
    expect(createNetwork(objects).allows(gateway, dns, 53, 'UDP')).toBe(true);
    expect(createNetwork(objects).allows(gateway, inference, 7400, 'UDP')).toBe(false);
  });
});

describe('The evaluator of network policies', () => {
  test.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['199.36.153.11', '199.36.153.8/30', true],
    ['199.36.153.12', '199.36.153.8/30', false],
    ['8.8.8.8', '0.0.0.0/0', true],
    ['::1', '0.0.0.0/0', false],
    ['fd12::1', 'fc00::/7', true],
    ['2606::1', 'fc00::/7', false],
    ['::ffff:10.0.0.1', '::ffff:0:0/96', true],
  ])('knows whether %s lies in %s', (ip, cidr, inside) => {
    expect(inBlock(ip, cidr)).toBe(inside);
  });

  test('selects by labels and expressions', () => {
    expect(selects({}, {})).toBe(true);
    expect(selects({ matchLabels: { a: '1' } }, { a: '2' })).toBe(false);
    expect(selects({ matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, { a: '2' })).toBe(true);
    expect(selects({ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, {})).toBe(true);
    expect(selects({ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { a: '' })).toBe(false);
    expect(() => selects({ matchExpressions: [{ key: 'a', operator: 'Gt' }] }, {})).toThrow('Gt');
  });
});
