import { jobRunnerContract } from '@soundstage/core/contract-tests';
import { startKubernetesApi } from '../testing/kubernetes/api-server.js';
import { findCluster } from './find-cluster.js';
import { createKubernetesJobRunner } from './kubernetes-job-runner.js';

jobRunnerContract('Kubernetes (the API server of the tests)', async () => {
  const api = await startKubernetesApi();
  const options = { config: api.config, image: 'any', graceS: 1 };
  return {
    runner: createKubernetesJobRunner(options),
    other: createKubernetesJobRunner(options),
    tellsStreams: false,
    close: () => api.close(),
  };
});

// A real API server: docs/kubernetes-runs.md says what it needs.
if (process.env.SOUNDSTAGE_TEST_KUBECONFIG === '1') {
  jobRunnerContract('Kubernetes (that of KUBECONFIG)', async () => {
    const image = process.env.SOUNDSTAGE_TEST_IMAGE ?? 'busybox:1.37';
    const options = { config: findCluster(), image, cpu: '100m', memory: '64Mi', graceS: 1, ttlS: 600 };
    return {
      runner: createKubernetesJobRunner(options),
      other: createKubernetesJobRunner(options),
      tellsStreams: false,
      close: () => Promise.resolve(),
    };
  });
}
