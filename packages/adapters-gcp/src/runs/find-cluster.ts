import { KubeConfig } from '@kubernetes/client-node';
import { badInput } from '@soundstage/core/errors';

/** The library's last guess, where nothing is configured. */
const NOBODYS = 'http://localhost:8080';

/** The cluster that this process runs in, or that KUBECONFIG (or ~/.kube/config) names. @throws BAD_INPUT for none */
export function findCluster(env: NodeJS.ProcessEnv = process.env): KubeConfig {
  const config = new KubeConfig();
  try {
    if (env['KUBERNETES_SERVICE_HOST'] && !env['KUBECONFIG']) config.loadFromCluster();
    else config.loadFromDefault();
  } catch (cause) {
    throw badInput(`The Kubernetes configuration can't be read: ${(cause as Error).message}.`, 'KUBECONFIG', cause);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || server === NOBODYS) {
    throw badInput('No Kubernetes cluster is configured: run in a pod of one, or set KUBECONFIG.', 'KUBECONFIG');
  }
  return config;
}
