import pubsub from '@google-cloud/pubsub';
import type { SubscriberClient, PublisherClient } from './clients.js';
import { withRetry } from '../retry.js';
import { GrpcCode, grpcCode, isPassing, pubsubError } from './pubsub-errors.js';

export interface PubSubOptions {
  /** Default: as Google's libraries find it (GOOGLE_CLOUD_PROJECT, the metadata server). */
  projectId?: string | undefined;
  /** `host:port` of an emulator. Default: PUBSUB_EMULATOR_HOST, else Google's own. */
  endpoint?: string | undefined;
  /** What stands before each topic's name, so that stages of several installations share a project. Default `soundstage-`. */
  prefix?: string | undefined;
}

export interface CallLimits {
  /** How long one try may take. Default 20,000. */
  tryMs?: number;
  /** No further try begins after so long. Default 60,000. */
  limitMs?: number;
  signal?: AbortSignal | undefined;
}

/** What a call of the client library is to be given; its own retries are off: there is one rule, here. */
export interface CallOptions {
  timeout: number;
  retry: null;
  signal?: AbortSignal;
}

export interface PubSubConnection {
  readonly projectId: string;
  readonly prefix: string;
  readonly emulator: boolean;
  readonly publisher: PublisherClient;
  readonly subscriber: SubscriberClient;
  /** Calls, again and again where that may help. @throws SoundstageError, or what `keep` says is the caller's to judge */
  call<T>(
    what: string,
    invoke: (options: CallOptions) => Promise<T>,
    limits?: CallLimits,
    keep?: (code: number | undefined) => boolean,
  ): Promise<T>;
  close(): Promise<void>;
}

const TRY_MS = 20_000;
const LIMIT_MS = 60_000;

/** @throws UNAVAILABLE when no project is named or can be found */
export async function connectPubSub({
  projectId,
  endpoint,
  prefix = 'soundstage-',
}: PubSubOptions): Promise<PubSubConnection> {
  const { PubSub, v1 } = pubsub;
  const main = new PubSub({ ...(projectId ? { projectId } : {}), ...(endpoint ? { apiEndpoint: endpoint } : {}) });
  const config = await main.getClientConfig().catch((thrown: unknown) => {
    throw pubsubError(thrown, 'find the project: set GOOGLE_CLOUD_PROJECT');
  });
  const options = {
    ...config,
    // A backend that was away is found again within seconds, and a connection that died in silence is noticed.
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 3000,
    'grpc.keepalive_time_ms': 30_000,
    // An emulator needs no credentials: without this they are looked for on the network, for seconds.
    ...(main.isEmulator ? { clientOptions: { universeDomain: 'googleapis.com' } } : {}),
  };
  const publisher = new v1.PublisherClient(options);
  const subscriber = new v1.SubscriberClient(options);
  return {
    projectId: main.projectId,
    prefix,
    emulator: main.isEmulator,
    publisher,
    subscriber,
    async call(what, invoke, { tryMs = TRY_MS, limitMs = LIMIT_MS, signal } = {}, keep = () => false) {
      try {
        const once = () => invoke({ timeout: tryMs, retry: null, ...(signal ? { signal } : {}) });
        return await withRetry(once, (thrown) => !keep(grpcCode(thrown)) && isPassing(thrown), { limitMs, signal });
      } catch (thrown) {
        if (keep(grpcCode(thrown))) throw thrown;
        throw pubsubError(thrown, what);
      }
    },
    async close() {
      await Promise.allSettled([publisher.close(), subscriber.close(), main.close()]);
    },
  };
}

export const isNotFound = (code: number | undefined): boolean => code === GrpcCode.NOT_FOUND;
