import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:http';
import { isLoopback, readServerSecurity } from './auth/config.js';
import { createGate } from './auth/gate.js';
import { watchCertificate } from './auth/tls.js';
import type { ClientSecurity } from './auth/channel.js';
import { createHandlers, type Handlers } from './grpc/handlers.js';
import { createJobService } from './grpc/job-service.js';
import { createTransferService } from './grpc/transfer-service.js';
import { startGrpcHost, type GrpcService } from './grpc/host.js';
import type { Platform } from './platform.js';
import { sweepUploads } from './uploads.js';
import type { AnyStage } from './work/stage.js';
import { startWorker } from './work/worker.js';

/** What a service is made of: its gRPC face and the work that it takes from the queue. */
export interface ServiceParts {
  name: string;
  grpc: GrpcService[];
  stages: AnyStage[];
  /** Lets go of models and the like. */
  close?(): Promise<void>;
}

/** Makes a service's parts; what is expensive (models) is opened here, so that a started service is a ready one. */
export type CreateService = (platform: Platform, handlers: Handlers) => Promise<ServiceParts>;

export interface RunningServices {
  /** gRPC address, `host:port`. */
  address: string;
  metricsPort: number | undefined;
  /** How what runs beside the services in this process reaches them. */
  own: ClientSecurity;
  /** NOT_SERVING, stop pulling, wait for work in flight, put back the rest, end calls, let go. */
  drain(): Promise<void>;
}

/** Runs one service or several in this process, on one gRPC address, each with JobService and TransferService. */
export async function startServices(platform: Platform, creators: readonly CreateService[]): Promise<RunningServices> {
  const { config, log, jobs, store, metrics } = platform;
  const { auth, tls } = readServerSecurity(config, config.SOUNDSTAGE_LISTEN);
  const certificate = tls && watchCertificate(tls, log);
  const gate = createGate({ log, metrics, store, auth });
  const handlers = createHandlers({ log, metrics, gate });
  const services: ServiceParts[] = [];
  for (const create of creators) services.push(await create(platform, handlers));
  const stages = services.flatMap((service) => service.stages);

  const recovered = await jobs.recover(stages.map((stage) => stage.kind));
  if (recovered > 0) log.warn({ recovered }, 'jobs queued again that a crash had left behind');
  await sweepUploads(store);

  const grpc = [
    ...services.flatMap((service) => service.grpc),
    createJobService(jobs, handlers),
    createTransferService(platform, handlers, { uploadBytes: config.SOUNDSTAGE_UPLOAD_LIMIT }),
  ];
  const host = await startGrpcHost(config.SOUNDSTAGE_LISTEN, grpc, { certificate, interceptors: gate.interceptors });
  if (!isLoopback(config.SOUNDSTAGE_LISTEN) && (!auth || !tls)) {
    log.warn({ auth: auth !== undefined, tls: tls !== undefined }, 'others can reach this server as it is');
  }
  const worked = config.SOUNDSTAGE_ROLE === 'front' ? [] : stages;
  const workers = worked.map((stage) =>
    startWorker(stage, platform, {
      concurrency: Math.max(config.SOUNDSTAGE_CONCURRENCY, stage.concurrency ?? 1),
      workTimeoutS: stage.workTimeoutS ?? config.SOUNDSTAGE_WORK_TIMEOUT_S,
      leaseMs: config.SOUNDSTAGE_LEASE_S * 1000,
    }),
  );
  let serving = true;
  const http = config.SOUNDSTAGE_METRICS_PORT < 0 ? undefined : await serveMetrics(platform, () => serving);
  const address = http?.address();
  const metricsPort = typeof address === 'object' ? address?.port : undefined;
  log.info({ address: host.address, metricsPort, services: services.map((s) => s.name) }, 'serving');

  return {
    address: host.address,
    metricsPort,
    own: {
      ...(tls ? { own: true } : {}),
      ...(gate.innerToken === undefined ? {} : { token: () => gate.innerToken! }),
    },
    async drain() {
      serving = false;
      host.stopServing();
      const graceMs = config.SOUNDSTAGE_DRAIN_S * 1000;
      await Promise.all(workers.map((worker) => worker.drain(graceMs)));
      await host.close(2000);
      for (const service of services) await service.close?.();
      await platform.queue.close();
      http?.closeAllConnections();
      http?.close();
      log.info('drained');
    },
  };
}

/** /metrics for Prometheus, /healthz and /readyz for whoever speaks no gRPC. */
async function serveMetrics({ config, metrics }: Platform, ready: () => boolean): Promise<HttpServer> {
  const server = createServer((request, response) => {
    void (async () => {
      if (request.url === '/metrics') {
        response.setHeader('content-type', metrics.registry.contentType);
        response.end(await metrics.registry.metrics());
      } else if (request.url === '/healthz' || request.url === '/readyz') {
        response.statusCode = request.url === '/healthz' || ready() ? 200 : 503;
        response.end(response.statusCode === 200 ? 'ok\n' : 'stopping\n');
      } else {
        response.statusCode = 404;
        response.end();
      }
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.SOUNDSTAGE_METRICS_PORT, config.SOUNDSTAGE_METRICS_HOST, resolve);
  });
  return server;
}
