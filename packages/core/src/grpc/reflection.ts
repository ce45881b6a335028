import type { PackageDefinition } from '@grpc/proto-loader';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { protoPath } from 'grpc-health-check';
import { readDescriptorSet } from '@soundstage/contracts';

const HEALTH = 'grpc.health.v1.Health';

/**
 * Reflection, v1 and v1alpha, of services and of the health check. The library is given the files of the contracts as
 * the compiler wrote them: those that its own loader makes anew lack imports, and grpcurl refuses them.
 */
export function reflectionOf(services: readonly string[]): ReflectionService {
  const files = filesOf(readDescriptorSet()).map(wrap);
  const health = loadSync(protoPath);
  return new ReflectionService({ ...Object.fromEntries(files), ...health }, { services: [...services, HEALTH] });
}

/** A file as one entry of a package: the library takes nothing but the descriptors from it. */
function wrap(descriptor: Buffer, n: number): [string, PackageDefinition[string]] {
  const entry = { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos: [descriptor] };
  return [`file ${n}`, entry as unknown as PackageDefinition[string]];
}

/** The serialized FileDescriptorProtos of a FileDescriptorSet: its one field, 1, each a length and as many bytes. */
function filesOf(set: Buffer): Buffer[] {
  const files: Buffer[] = [];
  for (let at = 0; at < set.length;) {
    let length = 0;
    at++; // the tag
    for (let shift = 0, byte = 128; byte >= 128; shift += 7) {
      byte = set[at++]!;
      length += (byte & 127) * 2 ** shift;
    }
    files.push(set.subarray(at, at + length));
    at += length;
  }
  return files;
}
