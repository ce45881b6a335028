import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { chart, describeChart, render, root } from './helm.js';
import { batchFiles, objectsOf, yamlOf } from './k8s-files.js';
import { createSchemaCheck, kubernetesVersions } from './kubernetes-schema.js';
import { brokenRules } from './pod-rules.js';
import { ofKind, titleOf, workloadsOf, type KubeObject } from './objects.js';

const objects = batchFiles.flatMap(objectsOf);
const cronJobs = ofKind(objects, 'CronJob');
const names = cronJobs.map(({ metadata }) => metadata.name);

interface JobSpec {
  backoffLimit: number;
  podFailurePolicy: { rules: { action: string; onExitCodes?: { containerName: string; values: number[] } }[] };
  template: { spec: { restartPolicy: string; containers: BatchContainer[] } };
}
interface BatchContainer {
  name: string;
  image: string;
  command: string[];
  args: string[];
  env: { name: string; value: string }[];
  envFrom: { configMapRef: { name: string } }[];
}

const jobOf = (cronJob: KubeObject): JobSpec => (cronJob.spec!['jobTemplate'] as { spec: JobSpec }).spec;
const containerOf = (cronJob: KubeObject): BatchContainer => jobOf(cronJob).template.spec.containers[0]!;

function environmentOf(cronJob: KubeObject): Record<string, string> {
  const { env, envFrom } = containerOf(cronJob);
  const maps = envFrom.map(({ configMapRef }) => {
    const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef.name);
    if (!map) throw new Error(`there is no ConfigMap ${configMapRef.name}`);
    return map['data'] as Record<string, string>;
  });
  const own = env.map(({ name, value }): [string, string] => [name, value]);
  return Object.fromEntries<string>([...maps.flatMap((map) => Object.entries(map)), ...own]);
}

/** The command line as Kubernetes would start it; values of `instead` take the place of those in the ConfigMap. */
function commandOf(name: string, instead: Record<string, string> = {}): string[] {
  const cronJob = cronJobs.find(({ metadata }) => metadata.name === name)!;
  const env = { ...environmentOf(cronJob), ...instead };
  const args = containerOf(cronJob).args.map((arg) =>
    arg.replace(/\$\(([A-Z_]+)\)/g, (_, variable: string) => {
      if (env[variable] === undefined) throw new Error(`${name} uses ${variable}, which no ConfigMap has`);
      return env[variable];
    }),
  );
  return args.map((arg) => arg.replace('/etc/soundstage/recipes/', `${root}k8s/batch/recipes/`));
}

/** Runs the real command line. */
function soundstage(args: string[], env: Record<string, string> = {}): Promise<{ code: number; said: string }> {
  const main = `${root}packages/cli/dist/main.js`;
  const surroundings = { ...process.env, NODE_OPTIONS: '', ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env: surroundings }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr }),
    );
  });
}

describe('The templates of batches', () => {
  (kubernetesVersions.length > 0 ? test : test.skip)('are objects of which Kubernetes knows every field', () => {
    for (const check of kubernetesVersions.map(createSchemaCheck)) {
      expect([...objects, ...objectsOf('k8s/namespace.yaml')].flatMap(check)).toEqual([]);
    }
  });

  test('are four, wait until somebody makes a job of them, and are all that kustomize gathers', () => {
    expect(names.sort()).toEqual(['collect', 'extract', 'foley', 'train']);
    for (const { spec } of cronJobs) expect(spec).toMatchObject({ suspend: true, schedule: '0 0 31 2 *' });
    const { resources } = yamlOf<{ resources: string[] }>('k8s/batch/kustomization.yaml');
    expect(resources.map((file) => `k8s/batch/${file}`).sort()).toEqual([...batchFiles].sort());
  });

  test('keep every rule that the chart’s pods keep, in a namespace that asks for it', () => {
    expect(workloadsOf(objects).flatMap(brokenRules)).toEqual([]);
    expect(objectsOf('k8s/namespace.yaml')[0]!.metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
    for (const object of objects) {
      expect({ title: titleOf(object), ...object.metadata.labels }).toMatchObject({
        'app.kubernetes.io/part-of': 'soundstage',
        'app.kubernetes.io/component': 'batch',
      });
      expect(object.metadata.namespace).toBe('soundstage');
    }
  });

  test('try again after disruptions and passing faults, never after wrong input', () => {
    for (const cronJob of cronJobs) {
      const { podFailurePolicy, template, backoffLimit } = jobOf(cronJob);
      const [disrupted, wrong] = podFailurePolicy.rules;
      expect(disrupted).toEqual({
        action: 'Ignore',
        onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
      });
      // packages/core/src/errors.ts: 2 wrong input, 3 not possible now; 42 is a trainer's.
      expect(wrong).toMatchObject({ action: 'FailJob', onExitCodes: { values: [2, 42] } });
      expect(wrong!.onExitCodes!.containerName).toBe(template.spec.containers[0]!.name);
      expect(template.spec.restartPolicy).toBe('Never');
      expect(backoffLimit).toBeGreaterThan(0);
    }
  });

  test('run the image of the command line, which has a Dockerfile', () => {
    for (const cronJob of cronJobs) {
      expect(containerOf(cronJob)).toMatchObject({
        image: 'soundstage-media:0.1.0',
        command: ['node', 'packages/cli/dist/main.js'],
      });
    }
    expect(existsSync(`${root}docker/media.Dockerfile`)).toBe(true);
  });

  test('say what the real command line understands', async () => {
    // Each ends at its own input, which is looked at when every option has been understood.
    const [foley, collect, unknown] = await Promise.all([
      soundstage(commandOf('foley', { INPUT: 'gs://No/x' })),
      soundstage(commandOf('collect', { SOURCE: 'nowhere.txt' })),
      soundstage([...commandOf('foley', { INPUT: 'gs://No/x' }), '--quallity', 'draft']),
    ]);
    expect(foley).toEqual({ code: 2, said: expect.stringContaining('gs://No/x is no address of a bucket') });
    expect(collect).toEqual({ code: 2, said: expect.stringContaining('no file or folder nowhere.txt') });
    expect(unknown).toEqual({ code: 2, said: expect.stringContaining('unknown option') });
    const { SOUNDSTAGE_SERVER } = environmentOf(cronJobs[0]!);
    for (const name of ['extract', 'train']) {
      const { code, said } = await soundstage([...commandOf(name), '--dry-run'], {
        SOUNDSTAGE_SERVER: SOUNDSTAGE_SERVER!,
      });
      expect([code, JSON.parse(said)]).toEqual([0, { steps: expect.any(Array) }]);
      expect(said).toContain('bucket:incoming/');
    }
  }, 60_000);
});

describeChart('The templates of batches beside the chart', () => {
  test('ask the services that the chart makes, with the token, priority and TLS that it has', () => {
    const rendered = render([
      '--set',
      'gcp.bucket=stage-media',
      '--set',
      'tls.enabled=true',
      '--set',
      'fullnameOverride=',
    ]);
    const services = ofKind(rendered, 'Service').map(({ metadata }) => metadata.name);
    const { SOUNDSTAGE_SERVER } = environmentOf(cronJobs[0]!);
    for (const each of SOUNDSTAGE_SERVER!.split(',')) {
      const [name, address] = each.split('=');
      expect(address).toBe(`soundstage-${name}:7400`);
      expect(services).toContain(`soundstage-${name}`);
    }
    expect(ofKind(rendered, 'PriorityClass').map(({ metadata }) => metadata.name)).toContain('soundstage-batch');
    const tester = workloadsOf(rendered).find(({ component }) => component === 'client')!;
    const [batch] = workloadsOf(cronJobs);
    const secretsOf = ({ pod }: typeof tester) =>
      (pod.volumes ?? []).flatMap(({ name, secret }) => (secret ? [{ name, secretName: secret.secretName }] : []));
    const { patches } = yamlOf<{ patches: { patch: string }[] }>('k8s/batch/tls/kustomization.yaml');
    for (const secret of secretsOf(tester)) {
      if (secret.name === 'tls') expect(patches[0]!.patch).toContain(`secretName: ${secret.secretName}`);
      else expect(secretsOf(batch!)).toContainEqual(secret);
    }
    expect(chart).toContain('charts/soundstage');
  });
});

describe('Kueue’s quota', () => {
  // The parts that are used, written down from kueue.sigs.k8s.io/docs/reference/kueue.v1beta1.
  const exactly = (properties: Record<string, object>, required = Object.keys(properties)) => ({
    type: 'object',
    additionalProperties: false,
    properties,
    required,
  });
  const text = { type: 'string', minLength: 1 };
  const texts = { type: 'object', additionalProperties: text };
  const list = (items: object) => ({ type: 'array', minItems: 1, items });
  const specs: Record<string, object> = {
    ResourceFlavor: exactly({
      nodeLabels: texts,
      nodeTaints: list(exactly({ key: text, value: text, effect: text })),
      tolerations: list(exactly({ key: text, operator: text, value: text, effect: text })),
    }),
    ClusterQueue: exactly({
      namespaceSelector: exactly({ matchLabels: texts }),
      queueingStrategy: { enum: ['StrictFIFO', 'BestEffortFIFO'] },
      preemption: exactly({ withinClusterQueue: { enum: ['Never', 'LowerPriority', 'LowerOrNewerEqualPriority'] } }),
      resourceGroups: list(
        exactly({
          coveredResources: list(text),
          flavors: list(exactly({ name: text, resources: list(exactly({ name: text, nominalQuota: text })) })),
        }),
      ),
    }),
    LocalQueue: exactly({ clusterQueue: text }),
  };

  test('has known fields alone, and covers each resource in each flavour', () => {
    const quota = objectsOf('k8s/kueue/quota.yaml');
    const ajv = new Ajv2020({ strict: false });
    for (const { apiVersion, kind, spec } of quota) {
      expect(apiVersion).toBe('kueue.x-k8s.io/v1beta1');
      if (spec !== undefined) expect([kind, ajv.validate(specs[kind]!, spec), ajv.errors]).toEqual([kind, true, null]);
    }
    const queue = quota.find(({ kind }) => kind === 'ClusterQueue')!;
    const [group] = queue.spec!['resourceGroups'] as {
      coveredResources: string[];
      flavors: { name: string; resources: { name: string }[] }[];
    }[];
    const flavors = ofKind(quota, 'ResourceFlavor').map(({ metadata }) => metadata.name);
    for (const { name, resources } of group!.flavors) {
      expect(flavors).toContain(name);
      expect(resources.map((each) => each.name)).toEqual(group!.coveredResources);
    }
    const local = quota.find(({ kind }) => kind === 'LocalQueue')!;
    const { patches } = yamlOf<{ patches: { patch: string }[] }>('k8s/kueue/batch/kustomization.yaml');
    expect(patches[0]!.patch).toContain(`value: ${local.metadata.name}`);
    // Batches ask for nothing that the queue doesn't cover.
    for (const { pod } of workloadsOf(cronJobs))
      expect(group!.coveredResources).toEqual(
        expect.arrayContaining(Object.keys(pod.containers[0]!.resources!.requests!)),
      );
  });
});
