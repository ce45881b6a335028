import { chart, type Values } from './helm.js';

const bucket: Values = ['--set', 'gcp.bucket=stage-media', '--set', 'gcp.project=stage'];
const t4: Values = [...bucket, '--values', `${chart}/values-gke-t4.yaml`, '--set', 'ingress.host=stage.example'];
const nginx: Values = [
  ...bucket,
  ...['--set', 'ingress.enabled=true,ingress.controller=nginx,ingress.className=nginx,ingress.host=stage.example'],
  ...['--set', 'ingress.tlsSecret=stage-tls,ingress.grpc.enabled=true,ingress.grpc.host=grpc.stage.example'],
  ...['--set', 'ingress.from.cidrs=null,ingress.from.namespaces={nginx-ingress}'],
];

/** Every values file, and combinations of what they leave out. */
export const cases = {
  'values.yaml': bucket,
  'values-gke-t4.yaml': t4,
  'values-local.yaml': ['--values', `${chart}/values-local.yaml`],
  'nginx with gRPC, and metrics by Prometheus’ operator': [
    ...nginx,
    ...['--set', 'monitoring.kind=podMonitor,monitoring.namespaces={monitoring},monitoring.labels.release=prometheus'],
  ],
  'T4 with TLS everywhere, OIDC, spans, gRPC from outside and Kueue': [
    ...t4,
    ...['--set', 'tls.enabled=true,ingress.grpc.enabled=true,ingress.grpc.host=grpc.stage.example'],
    ...['--set', 'auth.mode=keys\\,oidc,auth.oidc.issuer=https://id.example,auth.oidc.audience=soundstage'],
    ...[
      '--set',
      'telemetry.otlpEndpoint=http://collector.observability:4318/v1/traces,telemetry.namespace=observability',
    ],
    ...['--set', 'runs.queue=trainings,image.registry=registry.example/stage/,image.tag=v7,image.pullSecrets={pull}'],
  ],
  'an HPA on T4s that stay, and features on T4s': [
    ...t4,
    ...['--set', 'services.inference-worker.autoscaling.kind=hpa,services.inference-worker.autoscaling.minReplicas=1'],
    ...['--set', 'services.feature-extractor.gpu.enabled=true,services.feature-extractor.image=inferenceGpu'],
    ...['--set', 'services.collector.autoscaling.kind=hpa'],
  ],
  'stand-ins for Google’s engines': [
    ...bucket,
    ...['--set', 'gcp.emulators.pubsub=pubsub.stand-ins:8085,gcp.emulators.storage=http://gcs.stand-ins:4443'],
    ...['--set', 'gcp.emulators.namespace=stand-ins,fullnameOverride=stage'],
  ],
} satisfies Record<string, Values>;

export type CaseName = keyof typeof cases;
export const caseNames = Object.keys(cases) as CaseName[];
