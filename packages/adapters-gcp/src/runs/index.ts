/** Runs as Kubernetes Jobs. Apart from the other engines, since the client library is large. */
export { createKubernetesJobRunner, type KubernetesJobRunnerOptions } from './kubernetes-job-runner.js';
