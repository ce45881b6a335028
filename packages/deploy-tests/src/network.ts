import { ofKind, type KubeObject } from './objects.js';

/** Somebody who sends or takes traffic: a pod, or an address outside. */
export interface Peer {
  name: string;
  ip: string;
  /** Of a pod. */
  labels?: Record<string, string>;
  namespace?: string;
}

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

interface PolicyPeer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
}

interface Rule {
  from?: PolicyPeer[];
  to?: PolicyPeer[];
  ports?: { protocol?: string; port?: number; endPort?: number }[];
}

interface Policy {
  namespace: string;
  podSelector: Selector;
  policyTypes: string[];
  ingress: Rule[];
  egress: Rule[];
}

export type Protocol = 'TCP' | 'UDP';

/**
 * Whether traffic gets through the network policies among rendered objects, by the rules of networking.k8s.io/v1: a pod
 * that no policy selects for a direction is open in it; one that is selected takes what any of them allows.
 */
export function createNetwork(objects: readonly KubeObject[]) {
  const policies = ofKind(objects, 'NetworkPolicy').map(({ metadata, spec }): Policy => {
    const policy = spec as unknown as Partial<Policy>;
    return {
      namespace: metadata.namespace ?? 'default',
      podSelector: policy.podSelector ?? {},
      policyTypes: policy.policyTypes ?? ['Ingress'],
      ingress: policy.ingress ?? [],
      egress: policy.egress ?? [],
    };
  });
  const selected = { Ingress: new Map<Peer, Policy[]>(), Egress: new Map<Peer, Policy[]>() };
  const selecting = (peer: Peer, direction: 'Ingress' | 'Egress'): Policy[] => {
    const known = selected[direction].get(peer);
    if (known) return known;
    const found = policies.filter(
      ({ namespace, podSelector, policyTypes }) =>
        peer.labels &&
        peer.namespace === namespace &&
        policyTypes.includes(direction) &&
        selects(podSelector, peer.labels),
    );
    selected[direction].set(peer, found);
    return found;
  };
  const passes = (rules: Rule[], side: 'from' | 'to', policy: Policy, other: Peer, port: number, protocol: Protocol) =>
    rules.some(
      (rule) =>
        (!rule.ports?.length ||
          rule.ports.some(
            (allowed) =>
              (allowed.protocol ?? 'TCP') === protocol &&
              (allowed.port === undefined || (port >= allowed.port && port <= (allowed.endPort ?? allowed.port))),
          )) &&
        (!rule[side]?.length || rule[side].some((peer) => isPeer(peer, other, policy.namespace))),
    );
  return {
    allows(from: Peer, to: Peer, port: number, protocol: Protocol = 'TCP'): boolean {
      const out = selecting(from, 'Egress');
      const into = selecting(to, 'Ingress');
      return (
        (out.length === 0 || out.some((policy) => passes(policy.egress, 'to', policy, to, port, protocol))) &&
        (into.length === 0 || into.some((policy) => passes(policy.ingress, 'from', policy, from, port, protocol)))
      );
    },
  };
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: PolicyPeer, other: Peer, namespace: string): boolean {
  if (ipBlock) return inBlock(other.ip, ipBlock.cidr) && !ipBlock.except?.some((cidr) => inBlock(other.ip, cidr));
  if (!other.labels) return false;
  const inNamespace = namespaceSelector
    ? selects(namespaceSelector, { 'kubernetes.io/metadata.name': other.namespace ?? '' })
    : other.namespace === namespace;
  return inNamespace && (!podSelector || selects(podSelector, other.labels));
}

/** Whether a label selector selects; an empty one selects all. */
export function selects(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Record<string, string>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const has = labels[key] !== undefined;
      switch (operator) {
        case 'In':
          return has && values.includes(labels[key]!);
        case 'NotIn':
          return !has || !values.includes(labels[key]!);
        case 'Exists':
          return has;
        case 'DoesNotExist':
          return !has;
        default:
          throw new Error(`There is no operator ${operator}.`);
      }
    })
  );
}

/** Whether an address lies in a CIDR block; one of the other family never does. */
export function inBlock(ip: string, cidr: string): boolean {
  const [base, length] = cidr.split('/') as [string, string];
  if (ip.includes(':') !== base.includes(':')) return false;
  const bits = ip.includes(':') ? 128n : 32n;
  const shift = bits - BigInt(length);
  return toNumber(ip) >> shift === toNumber(base) >> shift;
}

function toNumber(ip: string): bigint {
  if (!ip.includes(':')) return ip.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [head = '', tail] = ip.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').flatMap(quads));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const middle = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...middle, ...after].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}

/** `::ffff:10.0.0.1` ends in an IPv4 address. */
function quads(group: string): string[] {
  if (!group.includes('.')) return [group];
  const number = toNumber(group);
  return [(number >> 16n).toString(16), (number & 0xffffn).toString(16)];
}
