import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { cases } from './cases.js';
import { chart, describeChart, refusal } from './helm.js';

type Tree = Record<string, unknown>;

const read = (file: string) => readFileSync(`${chart}/${file}`, 'utf8');
const schema = JSON.parse(read('values.schema.json')) as Tree;
const validate = new Ajv2020({ strict: false }).compile(schema);
const values = () => {
  const tree = parse(read('values.yaml')) as Tree;
  Object.assign(tree['gcp'] as Tree, { bucket: 'stage-media' });
  return tree;
};

/** Maps whose keys are free: names of labels, variables, services. */
const FREE = /(annotations|labels|podLabels|podAnnotations|nodeSelector|env|services)$/;

/** Every object of a tree, by its path. */
function objectsOf(tree: Tree, path = ''): [path: string, object: Tree][] {
  const below = Object.entries(tree).flatMap(([key, value]) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? objectsOf(value as Tree, `${path}.${key}`)
      : [],
  );
  return [[path, tree], ...below];
}

describeChart('The values of the chart', () => {
  const bucket = cases['values.yaml'];

  test('refuse a key that they don’t know, at every level', () => {
    expect(validate(values())).toBe(true);
    const paths = objectsOf(values()).map(([path]) => path);
    expect(paths.length).toBeGreaterThan(80);
    for (const path of paths.filter((each) => !FREE.test(each))) {
      const tree = values();
      objectsOf(tree).find(([each]) => each === path)![1]['replica'] = 3;
      expect([path, validate(tree)]).toEqual([path, false]);
    }
  });

  test('describe every key of the schema: what can be set is in values.yaml', () => {
    const defaults = values();
    const properties = (schema['properties'] as Record<string, Tree>) ?? {};
    expect(Object.keys(defaults).sort()).toEqual(
      Object.keys(properties)
        .filter((key) => key !== 'global')
        .sort(),
    );
    const service = (schema['$defs'] as Record<string, { properties: Tree }>)['service']!;
    expect(Object.keys(defaults['defaults'] as Tree).sort()).toEqual(Object.keys(service.properties).sort());
  });

  test.each([
    ['a misspelt key', 'services.gateway.replica=3', "'replica' not allowed"],
    ['a key that isn’t there', 'gpu.enabled=true', "'gpu' not allowed"],
    ['an image that isn’t there', 'services.gateway.image=debian', '/services/gateway/image'],
    [
      'zero pods with an HPA',
      'services.collector.autoscaling.kind=hpa,services.collector.autoscaling.minReplicas=0',
      'keda',
    ],
    ['zero pods that nothing would wake', 'services.collector.autoscaling.minReplicas=0', 'kind'],
    ['a drain that is longer than a spot pod has', 'drainS=10', '/drainS'],
    ['a bucket with gs://', 'gcp.bucket=gs://stage', '/gcp/bucket'],
    ['no bucket', 'gcp.bucket=', '/gcp/bucket'],
    ['another way to authenticate', 'auth.mode=password', '/auth/mode'],
    ['scaling without topics', 'services.gateway.autoscaling.kind=hpa', 'name the topics'],
    [
      'more pods at least than at most',
      'services.splitter.autoscaling.kind=hpa,services.splitter.autoscaling.minReplicas=9',
      'more than',
    ],
    ['KEDA without a project', 'gcp.project=,services.splitter.autoscaling.kind=keda', 'gcp.project'],
    ['an ingress without TLS', 'ingress.enabled=true,ingress.host=h.example', 'without TLS'],
    ['an ingress without a name', 'ingress.enabled=true,ingress.tlsSecret=t', 'ingress.host'],
    [
      'gRPC by Google’s load balancer without TLS to the pods',
      'ingress.enabled=true,ingress.tlsSecret=t,ingress.host=h,ingress.grpc.enabled=true,ingress.grpc.host=g',
      'tls.enabled',
    ],
    ['OIDC without an issuer', 'auth.mode=oidc', 'auth.oidc.issuer'],
  ])('refuse %s', (_what, set, says) => {
    expect(refusal([...bucket, '--set', set])).toContain(says);
  });

  test('refuse scaling on messages that nobody counts', () => {
    const local = cases['values-local.yaml'];
    expect(refusal([...local, '--set', 'services.collector.autoscaling.kind=hpa'])).toContain('Pub/Sub alone');
  });
});
