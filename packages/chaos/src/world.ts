import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createAdapters } from '@soundstage/adapters';
import {
  openLine,
  startFaultProxy,
  startGcsServer,
  startPubSubEmulator,
  type FaultProxy,
  type Line,
} from '@soundstage/adapters-gcp/testing';
import {
  commonConfig,
  createLogger,
  createPlatform,
  readConfig,
  SoundstageError,
  type Platform,
} from '@soundstage/core';
import {
  createTestClient,
  startServiceProcess,
  temporaryFolder,
  type ServiceProcess,
  type TestClient,
} from '@soundstage/core/testing';
import type { Item } from './item.js';
import { watchMemory, type MemoryWatch } from './memory.js';

export type Service = 'collector' | 'preprocessor' | 'feature-extractor' | 'inference';
/** Which engines: those of one machine, Google's stand-ins, or the local queue with the stand-in for Cloud Storage. */
export type Backend = 'local' | 'google' | 'local queue, Cloud Storage';

export interface Worker {
  service: Service;
  process: ServiceProcess;
  env: Record<string, string>;
}

/** Real service processes on one backend, and a witness that looks on from the test's process and is never disturbed. */
export interface World {
  backend: Backend;
  home: string;
  /** Where the collector finds files. */
  clips: string;
  witness: Platform;
  workers: Worker[];
  memory: MemoryWatch;
  /** All that was ever asked of this world. */
  items: Item[];
  /** The line of the services to Pub/Sub, and what stands between them and Cloud Storage. */
  line: Line | undefined;
  proxy: FaultProxy | undefined;
  start(service: Service, env?: Record<string, string>): Promise<Worker>;
  /** Ends a process and takes it out. @returns exit code and how long it took to end */
  stop(worker: Worker, signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }>;
  /** Calls any living process of a service until one answers; the request's id makes asking twice harmless. */
  ask<T>(service: Service, call: (client: TestClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface WorldOptions {
  backend: Backend;
  services: readonly Service[];
  env?: Record<string, string>;
  /** Default: a folder below the machine's one for temporary files. */
  home?: string;
}

/** Services never import each other, and nobody else imports them: each runs as it is deployed. */
const mainOf = (service: Service) =>
  fileURLToPath(new URL(`../../../services/${service}/dist/main.js`, import.meta.url));

/** A client gives up after so long. */
const ASK_LIMIT_MS = 180_000;

export async function openWorld(options: WorldOptions): Promise<World> {
  const { backend } = options;
  const folder = await temporaryFolder();
  const home = options.home ?? join(folder.path, 'home');
  const engines = await startEngines(backend);
  const clips = join(folder.path, 'clips');
  await mkdir(clips);
  const env = {
    SOUNDSTAGE_HOME: home,
    SOUNDSTAGE_COLLECT_DIR: clips,
    SOUNDSTAGE_LEASE_S: '2',
    SOUNDSTAGE_DRAIN_S: '8',
    SOUNDSTAGE_CONCURRENCY: '2',
    ...options.env,
  };
  const log = createLogger({ service: 'witness', level: 'silent' });
  const seen = { SOUNDSTAGE_HOME: home, ...engines.direct };
  const witness = createPlatform(await createAdapters(home, seen), readConfig(commonConfig, seen), log);
  const workers: Worker[] = [];
  const memory = watchMemory(workers);

  const world: World = {
    backend,
    home,
    clips,
    witness,
    workers,
    memory,
    items: [],
    line: engines.line,
    proxy: engines.proxy,

    async start(service, extra = {}) {
      const started = await startServiceProcess(mainOf(service), { ...env, ...engines.disturbed, ...extra });
      const worker = { service, process: started, env: extra };
      workers.push(worker);
      return worker;
    },

    async stop(worker, signal) {
      memory.look();
      const startedMs = performance.now();
      const at = workers.indexOf(worker);
      if (at >= 0) workers.splice(at, 1);
      const code = await worker.process.stop(signal);
      return { code, tookMs: performance.now() - startedMs };
    },

    async ask(service, call) {
      const endMs = performance.now() + ASK_LIMIT_MS;
      for (let tries = 0; ; tries++) {
        const alive = workers.filter((worker) => worker.service === service);
        const chosen = alive[tries % alive.length];
        if (chosen) {
          const client = createTestClient(chosen.process.address);
          try {
            return await call(client);
          } catch (error) {
            if (!SoundstageError.from(error).retryable || performance.now() > endMs) throw error;
          } finally {
            client.close();
          }
        }
        await sleep(100);
      }
    },

    async close() {
      memory.close();
      await Promise.all(workers.splice(0).map(({ process }) => process.stop('SIGKILL')));
      await witness.queue.close();
      await engines.close();
      await folder.remove();
    },
  };
  try {
    await Promise.all(options.services.map((service) => world.start(service)));
  } catch (error) {
    await world.close();
    throw error;
  }
  return world;
}

interface Engines {
  /** What the witness is told: it goes to the servers themselves. */
  direct: Record<string, string>;
  /** What the services are told: they go through lines with faults. */
  disturbed: Record<string, string>;
  line: Line | undefined;
  proxy: FaultProxy | undefined;
  close(): Promise<void>;
}

async function startEngines(backend: Backend): Promise<Engines> {
  if (backend === 'local') {
    return { direct: {}, disturbed: {}, line: undefined, proxy: undefined, close: () => Promise.resolve() };
  }
  const [server, emulator] = await Promise.all([
    startGcsServer(),
    backend === 'google' ? startPubSubEmulator() : undefined,
  ]);
  const proxy = await startFaultProxy(server.url);
  const line = emulator && (await openLine(emulator.address));
  const env = (store: string, queue: string | undefined): Record<string, string> => ({
    SOUNDSTAGE_STORE: 'gcs',
    SOUNDSTAGE_BUCKET: server.bucket,
    STORAGE_EMULATOR_HOST: store,
    ...(queue && { SOUNDSTAGE_QUEUE: 'pubsub', GOOGLE_CLOUD_PROJECT: 'stage', PUBSUB_EMULATOR_HOST: queue }),
  });
  return {
    direct: env(server.url, emulator?.address),
    disturbed: env(proxy.url, line?.address),
    line,
    proxy,
    async close() {
      await Promise.all([line?.close(), proxy.close()]);
      await Promise.all([server.kill(), emulator?.kill()]);
    },
  };
}
