import type { Job } from '@soundstage/contracts';
import type { ServiceClient } from './client.js';
import type { ServiceName } from './services.js';

/** `/soundstage.v1.TrainerLauncherService/LaunchTraining` */
const SERVICE_OF_PATH = /^\/soundstage\.v1\.(\w+?)Service\//;

/**
 * One client of services that each have an address of their own. Calls go to the service that they are of; those about
 * a job go to the service that made it, and objects to the first of them: services that work together share a store.
 */
export function severalServices(clients: ReadonlyMap<ServiceName, ServiceClient>): ServiceClient {
  const [first] = clients.values();
  const makers = new Map<string, ServiceClient>();

  function clientFor(path: string, request: unknown): ServiceClient {
    const name = (SERVICE_OF_PATH.exec(path)?.[1] ?? '').replace(/(?<=.)([A-Z])/g, '-$1').toLowerCase();
    const { jobId } = request as { jobId?: string };
    return clients.get(name as ServiceName) ?? makers.get(jobId ?? '') ?? first!;
  }

  return {
    ready: async (limitMs) => void (await Promise.all([...clients.values()].map((client) => client.ready(limitMs)))),
    async call(method, request, signal) {
      const client = clientFor(method.path, request);
      const response = await client.call(method, request, signal);
      const { job } = response as { job?: Job };
      if (job?.id) makers.set(job.id, client);
      return response;
    },
    stream: (method, request, signal) => clientFor(method.path, request).stream(method, request, signal),
    download: (key, signal) => first!.download(key, signal),
    upload: (file, signal) => first!.upload(file, signal),
    untilEnded: (jobId, options) => (makers.get(jobId) ?? first!).untilEnded(jobId, options),
    close: () => new Set(clients.values()).forEach((client) => client.close()),
  };
}
