/*
 * The parts that the chart uses of kinds that Kubernetes itself doesn't have, written down from their documentation:
 *   KEDA              keda.sh/docs, ScaledObject specification, prometheus scaler
 *   BackendConfig     cloud.google.com/kubernetes-engine/docs/how-to/ingress-configuration
 *   PodMonitoring     github.com/GoogleCloudPlatform/prometheus-engine, doc/api.md
 *   PodMonitor        prometheus-operator.dev/docs/api-reference/api
 */
type Schema = Record<string, unknown>;

const text: Schema = { type: 'string', minLength: 1 };
const count: Schema = { type: 'integer', minimum: 0 };
const strings: Schema = { type: 'object', additionalProperties: { type: 'string' } };
const list = (items: Schema): Schema => ({ type: 'array', items, minItems: 1 });

/** An object of exactly these fields; those that end in ? may be missing. */
function fields(properties: Record<string, Schema>): Schema {
  const named = Object.entries(properties).map(([name, schema]) => [name.replace(/\?$/, ''), schema] as const);
  const required = Object.keys(properties).filter((name) => !name.endsWith('?'));
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(named), required };
}

const kind = (spec: Schema): Schema =>
  fields({
    apiVersion: text,
    kind: text,
    metadata: fields({ name: text, namespace: text, labels: strings, 'annotations?': strings }),
    spec,
  });

const selector = fields({
  matchLabels: strings,
  'matchExpressions?': list(fields({ key: text, operator: { enum: ['In', 'NotIn'] }, values: list(text) })),
});
const endpoints = list(fields({ port: text, path: text, interval: { type: 'string', pattern: '^[0-9]+[sm]$' } }));

/** JSON schemas by `apiVersion/kind`. */
export const customSchemas: Readonly<Record<string, Schema>> = {
  'keda.sh/v1alpha1/ScaledObject': kind(
    fields({
      scaleTargetRef: fields({ apiVersion: text, kind: text, name: text }),
      minReplicaCount: count,
      maxReplicaCount: count,
      pollingInterval: count,
      cooldownPeriod: count,
      triggers: list(
        fields({
          type: { const: 'prometheus' },
          // KEDA takes strings alone here.
          metadata: fields({
            serverAddress: text,
            query: text,
            threshold: { type: 'string', pattern: '^[0-9.]+$' },
            activationThreshold: { type: 'string', pattern: '^[0-9.]+$' },
            ignoreNullValues: { enum: ['true', 'false'] },
          }),
          'authenticationRef?': fields({ name: text }),
        }),
      ),
    }),
  ),
  'keda.sh/v1alpha1/TriggerAuthentication': kind(fields({ podIdentity: fields({ provider: { const: 'gcp' } }) })),
  'cloud.google.com/v1/BackendConfig': kind(
    fields({
      timeoutSec: count,
      connectionDraining: fields({ drainingTimeoutSec: count }),
      healthCheck: fields({
        type: { enum: ['HTTP', 'HTTPS', 'HTTP2'] },
        requestPath: text,
        port: count,
        checkIntervalSec: count,
        timeoutSec: count,
      }),
    }),
  ),
  'networking.gke.io/v1beta1/FrontendConfig': kind(
    fields({ redirectToHttps: fields({ enabled: { type: 'boolean' }, responseCodeName: text }) }),
  ),
  'monitoring.googleapis.com/v1/PodMonitoring': kind(fields({ selector, endpoints })),
  'monitoring.coreos.com/v1/PodMonitor': kind(fields({ selector, podMetricsEndpoints: endpoints })),
};
