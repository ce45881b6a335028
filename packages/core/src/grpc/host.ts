import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ServerInterceptor,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { grpcServerCredentials, type CertificateWatch } from '../auth/tls.js';
import { SoundstageError } from '../errors.js';
import { reflectionOf } from './reflection.js';

export interface GrpcService {
  definition: ServiceDefinition;
  implementation: UntypedServiceImplementation;
}

export interface GrpcHost {
  /** `host:port`, with the real port. */
  address: string;
  /** Says NOT_SERVING to health checks, for all services. */
  stopServing(): void;
  /** Ends calls in flight within `limitMs`, then cuts them. */
  close(limitMs: number): Promise<void>;
}

/** A full path of a method of the service, `/soundstage.v1.JobService/GetJob`, gives the service's name. */
function nameOf({ definition }: GrpcService): string {
  const [first] = Object.values(definition);
  return first?.path.split('/')[1] ?? '';
}

// The library prints to stderr what it also throws; errors are told once, by us.
setLogVerbosity(logVerbosity.NONE);

export interface GrpcHostOptions {
  /** Undefined: in clear. */
  certificate?: CertificateWatch | undefined;
  /** What every call passes through first, reflection and health included. */
  interceptors?: ServerInterceptor[];
}

/** Serves gRPC services with health v1 and reflection. */
export async function startGrpcHost(
  listen: string,
  services: readonly GrpcService[],
  { certificate, interceptors = [] }: GrpcHostOptions = {},
): Promise<GrpcHost> {
  const server = new Server({
    interceptors,
    // Chunks are at most 1 MiB; nothing larger has a reason to come.
    'grpc.max_receive_message_length': 2 * 2 ** 20,
    'grpc.max_concurrent_streams': 256,
    // Whoever is gone without a word is found out, and their streams end.
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    // A connection that nobody uses is closed; clients open another without notice.
    'grpc.max_connection_idle_ms': 15 * 60_000,
  });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  const names = services.map(nameOf);
  const health = new HealthImplementation(Object.fromEntries(['', ...names].map((name) => [name, 'SERVING'])));
  health.addToServer(server);
  reflectionOf(names).addToServer(server);
  const credentials = certificate ? grpcServerCredentials(certificate) : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(listen, credentials, (error, bound) => {
      if (!error) resolve(bound);
      else
        reject(
          new SoundstageError(
            'UNAVAILABLE',
            `The address ${listen} can't be listened on (${error.message}): is another Soundstage running? Choose another with SOUNDSTAGE_LISTEN.`,
            { cause: error },
          ),
        );
    });
  });
  const host = listen.slice(0, listen.lastIndexOf(':'));
  return {
    address: `${host}:${port}`,
    stopServing() {
      for (const name of ['', ...names]) health.setStatus(name, 'NOT_SERVING');
    },
    async close(limitMs) {
      await new Promise<void>((resolve) => {
        // tryShutdown alone never ends while a stream is open, and after forceShutdown it still waits for connections
        // that never became a session: those whose first bytes come one a second.
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, limitMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
