import { expect, test } from '@jest/globals';
import * as contracts from '@soundstage/contracts';
import { parse } from 'yaml';
import { cases } from './cases.js';
import { describeChart, render } from './helm.js';
import { envOf, ofKind, workloadsOf } from './objects.js';

const t4 = () => render(cases['values-gke-t4.yaml']);
const worker = (objects = t4()) => workloadsOf(objects).find(({ component }) => component === 'inference-worker')!;

describeChart('Inference on T4 nodes', () => {
  test('goes to spot nodes with a T4 and Google’s driver, and takes one GPU', () => {
    const { pod } = worker();
    expect(pod.nodeSelector).toEqual({
      'cloud.google.com/gke-accelerator': 'nvidia-tesla-t4',
      'cloud.google.com/gke-gpu-driver-version': 'default',
      'cloud.google.com/gke-spot': 'true',
    });
    expect(pod.tolerations).toEqual([
      { key: 'nvidia.com/gpu', operator: 'Equal', value: 'present', effect: 'NoSchedule' },
      { key: 'cloud.google.com/gke-spot', operator: 'Equal', value: 'true', effect: 'NoSchedule' },
    ]);
    const [container] = pod.containers;
    expect(container!.resources!.limits).toMatchObject({ 'nvidia.com/gpu': 1 });
    expect(container!.image).toContain('soundstage-inference-gpu');
    expect(envOf(container!)).toMatchObject({ SOUNDSTAGE_EXECUTION_PROVIDER: 'cuda', SOUNDSTAGE_ROLE: 'all' });
    expect(pod.terminationGracePeriodSeconds).toBe(15);
  });

  test('is replaced without a second GPU, and a node from zero may take its 15 minutes', () => {
    for (const { object, pod } of workloadsOf(render(cases['an HPA on T4s that stay, and features on T4s']))) {
      if (!pod.containers[0]!.resources!.limits!['nvidia.com/gpu']) continue;
      expect(object.spec).toMatchObject({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } });
      expect(object.spec!['progressDeadlineSeconds']).toBeGreaterThan(15 * 60 + 600);
    }
    // Only what loads models has probes that wait for them: a pending pod isn't probed.
    const { startupProbe } = worker().pod.containers[0]!;
    expect(startupProbe!.failureThreshold! * startupProbe!.periodSeconds!).toBe(600);
    const [test] = ofKind(t4(), 'Pod');
    expect(test!.spec!['activeDeadlineSeconds']).toBeGreaterThan(15 * 60);
  });

  test('starts from zero on messages that wait in Pub/Sub, by KEDA, while a front answers', () => {
    const [scaler] = ofKind(t4(), 'ScaledObject');
    expect(scaler!.spec).toMatchObject({ minReplicaCount: 0, maxReplicaCount: 10 });
    const { triggers } = scaler!.spec as { triggers: { metadata: Record<string, string> }[] };
    const waitingFor = (kind: string) =>
      expect.stringContaining(
        `pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource="pubsub_subscription",subscription_id="soundstage-${kind}"}`,
      ) as unknown;
    expect(triggers.map(({ metadata }) => metadata['query'])).toEqual([waitingFor('foley'), waitingFor('sync')]);
    expect(triggers[0]!.metadata['serverAddress']).toContain('/projects/stage/');
    const front = workloadsOf(t4()).find(({ component }) => component === 'inference')!;
    expect(envOf(front.pod.containers[0]!)).toMatchObject({
      SOUNDSTAGE_ROLE: 'front',
      SOUNDSTAGE_EXECUTION_PROVIDER: 'cpu',
    });
    expect(front.object.spec).toMatchObject({ replicas: 2 });
    expect(front.pod.nodeSelector).toBeUndefined();
  });

  test('scales by an HPA on the same number, with the subscription’s name', () => {
    const scalers = ofKind(render(cases['an HPA on T4s that stay, and features on T4s']), 'HorizontalPodAutoscaler');
    const { spec } = scalers.find(({ metadata }) => metadata.name === 'soundstage-inference-worker')!;
    expect(spec).toMatchObject({
      minReplicas: 1,
      metrics: ['foley', 'sync'].map((kind) => ({
        type: 'External',
        external: {
          metric: {
            name: 'pubsub.googleapis.com|subscription|num_undelivered_messages',
            selector: { matchLabels: { 'resource.labels.subscription_id': `soundstage-${kind}` } },
          },
          target: { type: 'AverageValue', averageValue: '4' },
        },
      })),
    });
  });

  test('takes a further kind of job by one topic more, and no template', () => {
    const topics = ['--set', 'services.inference-worker.topics={foley,describe}'];
    const [scaler] = ofKind(render([...cases['values-gke-t4.yaml'], ...topics]), 'ScaledObject');
    expect(JSON.stringify(scaler)).toMatch(/soundstage-foley.*soundstage-describe/);
  });

  test('runs on the CPU with the same values but a GPU', () => {
    const { pod, object } = worker(render(cases['values.yaml']));
    expect(pod).not.toHaveProperty('nodeSelector');
    expect(pod).not.toHaveProperty('tolerations');
    expect(pod.containers[0]!.image).toContain('soundstage-media');
    expect(envOf(pod.containers[0]!)).toMatchObject({ SOUNDSTAGE_EXECUTION_PROVIDER: 'cpu' });
    expect(object.spec).toMatchObject({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
  });
});

describeChart('What others reach', () => {
  const annotations = (objects: ReturnType<typeof render>, kind: string, name: string) =>
    ofKind(objects, kind).find(({ metadata }) => metadata.name === name)!.metadata.annotations!;

  test('is behind Google’s load balancer with TLS, redirected, with time for long uploads', () => {
    expect(annotations(t4(), 'Ingress', 'soundstage')).toEqual({
      'kubernetes.io/ingress.class': 'gce',
      'networking.gke.io/managed-certificates': 'soundstage',
      'networking.gke.io/v1beta1.FrontendConfig': 'soundstage',
    });
    expect(ofKind(t4(), 'FrontendConfig')[0]!.spec).toMatchObject({ redirectToHttps: { enabled: true } });
    const gateway = workloadsOf(t4()).find(({ component }) => component === 'gateway')!;
    expect(envOf(gateway.pod.containers[0]!)).toMatchObject({ SOUNDSTAGE_GATEWAY_PROXIES: '2' });
    const service = annotations(t4(), 'Service', 'soundstage-gateway');
    expect(parse(service['cloud.google.com/backend-config']!)).toEqual({ default: 'soundstage-http' });
    const backend = ofKind(t4(), 'BackendConfig').find(({ metadata }) => metadata.name === 'soundstage-http')!;
    expect(backend.spec).toMatchObject({ timeoutSec: 3600, healthCheck: { port: 7480, requestPath: '/readyz' } });
  });

  test('is behind nginx with TLS and an upload limit that is the gateway’s', () => {
    const objects = render(cases['nginx with gRPC, and metrics by Prometheus’ operator']);
    expect(annotations(objects, 'Ingress', 'soundstage')).toMatchObject({
      'nginx.org/redirect-to-https': 'true',
      // A form is a little more than its file.
      'nginx.org/client-max-body-size': '2049m',
      'nginx.org/proxy-read-timeout': '3600s',
    });
    const gateway = workloadsOf(objects).find(({ component }) => component === 'gateway')!;
    expect(envOf(gateway.pod.containers[0]!)).toMatchObject({ SOUNDSTAGE_GATEWAY_UPLOAD_LIMIT: `${2048 * 2 ** 20}` });
    for (const { spec } of ofKind(objects, 'Ingress')) {
      expect(spec).toMatchObject({ ingressClassName: 'nginx', tls: [{ secretName: 'stage-tls' }] });
    }
  });

  test('is every gRPC service, each by its own name, where that is asked for', () => {
    const objects = render(cases['nginx with gRPC, and metrics by Prometheus’ operator']);
    const grpc = ofKind(objects, 'Ingress').find(({ metadata }) => metadata.name === 'soundstage-grpc')!;
    const { rules } = grpc.spec as {
      rules: { http: { paths: { path: string; backend: { service: { name: string } } }[] } }[];
    };
    const routes = rules[0]!.http.paths.map(({ path, backend }) => `${path} ${backend.service.name}`);
    // Jobs and media are in the queue and the store that all share: inference answers for them all.
    const serves = (method: string) => {
      const path = `/${method.split('/')[1]}/`;
      return routes.filter((route) => route.startsWith(`${path} `)).map((route) => route.split(' ')[1]);
    };
    const methods = Object.entries(contracts).flatMap(([name, definition]) =>
      name.endsWith('ServiceService') ? Object.values(definition as Record<string, { path: string }>) : [],
    );
    expect(methods.length).toBeGreaterThan(20);
    for (const { path } of methods)
      expect([path, serves(path)]).toEqual([path, [expect.stringMatching(/^soundstage-/)]]);
    expect(serves(contracts.FeatureExtractorServiceService.createFeatureExtraction.path)).toEqual([
      'soundstage-feature-extractor',
    ]);
    expect(serves(contracts.JobServiceService.getJob.path)).toEqual(['soundstage-inference']);
    expect(grpc.metadata.annotations!['nginx.org/grpc-services']!.split(',')).toHaveLength(6);
  });
});
