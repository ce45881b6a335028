import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';

const here = createRequire(import.meta.url);

/** What a health check of a service says: SERVING, NOT_SERVING, or SERVICE_UNKNOWN. */
export async function healthOf(address: string, service: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = healthService['Check']!;
  try {
    return await new Promise<string>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize as (bytes: Buffer) => { status: string },
        { service },
        (error, response) => {
          if (error?.details.includes('unknown')) resolve('SERVICE_UNKNOWN');
          else if (error) reject(error);
          else resolve(response!.status);
        },
      );
    });
  } finally {
    client.close();
  }
}

/** The services that reflection names. */
export async function reflectedServices(address: string): Promise<string[]> {
  const { listServicesResponse } = await reflect(address, { listServices: '' });
  return listServicesResponse!.service.map(({ name }) => name);
}

/** The serialized files that reflection gives for a symbol, as grpcurl asks for them. */
export async function reflectedFiles(address: string, symbol: string): Promise<Buffer[]> {
  const { fileDescriptorResponse } = await reflect(address, { fileContainingSymbol: symbol });
  return fileDescriptorResponse!.fileDescriptorProto;
}

interface Reflected {
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
}

async function reflect(address: string, request: object): Promise<Reflected> {
  const root = dirname(here.resolve('@grpc/reflection/package.json'));
  const definition = loadSync(join(root, 'build/proto/grpc/reflection/v1/reflection.proto'));
  const { grpc } = loadPackageDefinition(definition) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: ServiceClientConstructor } } };
  };
  const client = new grpc.reflection.v1.ServerReflection(address, credentials.createInsecure());
  interface Stream {
    on(event: string, listener: (value: never) => void): void;
    write(request: object): void;
    end(): void;
  }
  try {
    return await new Promise<Reflected>((resolve, reject) => {
      const stream = (client['ServerReflectionInfo'] as () => Stream).call(client);
      stream.on('data', (answer: Reflected) => resolve(answer));
      stream.on('error', reject);
      stream.write(request);
      stream.end();
    });
  } finally {
    client.close();
  }
}
