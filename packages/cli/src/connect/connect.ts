import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { ObjectRef } from '@soundstage/contracts';
import {
  badInput,
  commonConfig,
  createLogger,
  createPlatform,
  readConfig,
  startServices,
  storeMedia,
  type CreateService,
  type JobKind,
} from '@soundstage/core';
import { addressesFor, readAddresses, serverOf } from './addresses.js';
import { createServiceClient, type ServiceClient, type UploadFile } from './client.js';
import { SERVICES, type ServiceName } from './services.js';
import { severalServices } from './several-services.js';

/** Services that a command speaks to: started in this process, or running elsewhere. */
export interface Connection extends Omit<ServiceClient, 'close'> {
  /** Stores a file under its hash. */
  put(file: UploadFile, signal?: AbortSignal): Promise<ObjectRef>;
  /** The version of the code that does a kind of work; empty where the services run elsewhere and don't tell. */
  codeVersionOf(kind: JobKind): string;
  /** Lets the services end what they are at, and put back what takes longer. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /**
   * `host:port` of running services, or `name=host:port` of each. Default: SOUNDSTAGE_SERVER; without that they are
   * started in this process, on SOUNDSTAGE_HOME.
   */
  server?: string | undefined;
}

const ANSWER_WITHIN_MS = 10_000;

/** What differs from a server's defaults where services live as long as one command. */
const SHORT_LIVED = {
  // Work of a command that was killed is taken up soon by the next one.
  SOUNDSTAGE_LEASE_S: '5',
  SOUNDSTAGE_DRAIN_S: '3',
  SOUNDSTAGE_CONCURRENCY: String(Math.min(8, Math.max(1, availableParallelism()))),
  SOUNDSTAGE_LOG_LEVEL: 'fatal',
};

/** The folder that everything local lies in. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return readConfig({ SOUNDSTAGE_HOME: commonConfig.SOUNDSTAGE_HOME }, env).SOUNDSTAGE_HOME;
}

/**
 * Connects to running services, or starts those that are needed in this process, as `soundstage up` would: on the same
 * queue and store, so that both may run at a time.
 *
 * @throws BAD_INPUT for an address or a configuration that is wrong; UNAVAILABLE where nobody answers
 */
export async function connect(needed: readonly ServiceName[], options: ConnectOptions = {}): Promise<Connection> {
  const server = serverOf(options);
  return server === undefined ? startHere(needed) : connectTo(needed, server);
}

async function connectTo(needed: readonly ServiceName[], server: string): Promise<Connection> {
  const addresses = addressesFor(needed, readAddresses(server));
  const byAddress = new Map([...new Set(addresses.values())].map((one) => [one, createServiceClient(one)]));
  const client = severalServices(new Map([...addresses].map(([name, one]) => [name, byAddress.get(one)!])));
  await client.ready(ANSWER_WITHIN_MS).catch((error: unknown) => {
    client.close();
    throw error;
  });
  const sending = new Map<string, Promise<ObjectRef>>();
  return {
    ...client,
    // Files with the same bytes are sent once.
    put(file, signal) {
      const earlier = sending.get(file.sha256);
      if (earlier) return earlier;
      const sent = client.upload(file, signal).finally(() => sending.delete(file.sha256));
      sending.set(file.sha256, sent);
      return sent;
    },
    codeVersionOf: () => '',
    close: async () => client.close(),
  };
}

async function startHere(needed: readonly ServiceName[]): Promise<Connection> {
  const given = Object.entries(process.env).filter(([, value]) => value !== undefined && value !== '');
  const env = { ...SHORT_LIVED, ...Object.fromEntries(given) };
  const read = readConfig(commonConfig, env);
  // A port of its own: a server may run beside. It is gone with the command, and asks nobody who they are.
  const config = { ...read, SOUNDSTAGE_LISTEN: '127.0.0.1:0', SOUNDSTAGE_METRICS_PORT: -1, SOUNDSTAGE_AUTH: [] };
  const home = config.SOUNDSTAGE_HOME;
  await mkdir(home, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw badInput(`${home} can't be written (${cause.code}): set SOUNDSTAGE_HOME to a folder of yours.`, 'home');
  });
  const [{ createAdapters }, ...creators] = await Promise.all([
    import('@soundstage/adapters'),
    ...needed.map((name) => SERVICES[name]()),
  ]);
  const log = createLogger({ service: 'soundstage', level: config.SOUNDSTAGE_LOG_LEVEL });
  const platform = createPlatform(await createAdapters(home), config, log);
  const versions = new Map<JobKind, string>();
  const noting = creators.map((create): CreateService => async (...given) => {
    const parts = await create(...given);
    for (const { kind, codeVersion } of parts.stages) versions.set(kind, codeVersion);
    return parts;
  });
  const running = await startServices(platform, noting);
  const client = createServiceClient(running.address, running.own);
  return {
    ...client,
    // Straight into the store: nothing is gained by sending it to oneself.
    async put({ path, sha256, mediaType }, signal) {
      const { size } = await stat(path);
      const about = { sha256, sizeBytes: BigInt(size), mediaType, signal };
      return storeMedia(platform.store, createReadStream(path), about);
    },
    codeVersionOf: (kind) => versions.get(kind) ?? '',
    async close() {
      client.close();
      await running.drain();
    },
  };
}
