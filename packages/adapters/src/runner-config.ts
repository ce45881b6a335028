import { z } from 'zod';
import type { KubernetesJobRunnerOptions } from '@soundstage/adapters-gcp/runs';
import { badInput, integer } from '@soundstage/core';

/** Where and how runs are Kubernetes Jobs. The image may be left out where no run is ever started. */
export type KubernetesRuns = Omit<KubernetesJobRunnerOptions, 'image' | 'volume' | 'config'> & {
  image: string | undefined;
  /** The claim that runs share with the service, and where it is mounted in both; without a path, below the home. */
  volume: { claim: string; path: string | undefined } | undefined;
};

const label = (what: string) =>
  z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, `give ${what}: at most 63 of a-z, 0-9 and -`);
const name = (what: string) =>
  z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, `give ${what}: a-z, 0-9, - and .`);
const labelValue = (what: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/, `give ${what}: at most 63 letters, digits, - _ .`);
const quantity = (example: string) =>
  z.string().regex(/^\d+(\.\d+)?(m|[kMGT]i?)?$/, `give a quantity as Kubernetes writes it, ${example} for example`);

export const runnerShape = {
  /** Default: that of the pod that this process runs in. */
  SOUNDSTAGE_RUNNER_NAMESPACE: label('the name of a namespace').optional(),
  SOUNDSTAGE_RUNNER_IMAGE: z
    .string()
    .regex(/^[^\s]{1,500}$/, 'give the name of an image, without blanks')
    .optional(),
  SOUNDSTAGE_RUNNER_SERVICE_ACCOUNT: name('the name of a service account').optional(),
  /** A ReadWriteMany PersistentVolumeClaim. */
  SOUNDSTAGE_RUNNER_VOLUME: name('the name of a PersistentVolumeClaim').optional(),
  SOUNDSTAGE_RUNNER_VOLUME_PATH: z
    .string()
    .regex(/^\/[^:]+$/, 'give an absolute path, without a colon')
    .optional(),
  SOUNDSTAGE_RUNNER_CPU: quantity('4 or 500m').optional(),
  SOUNDSTAGE_RUNNER_MEMORY: quantity('16Gi').optional(),
  SOUNDSTAGE_RUNNER_GPU_TYPE: labelValue('an accelerator as GKE names it, nvidia-tesla-t4 for example').optional(),
  SOUNDSTAGE_RUNNER_GPU_DRIVER: z.enum(['default', 'latest', 'none']).optional(),
  SOUNDSTAGE_RUNNER_SPOT: z.enum(['true', 'false']).optional(),
  SOUNDSTAGE_RUNNER_TTL_S: integer(60, 31_536_000).optional(),
  SOUNDSTAGE_RUNNER_PRIORITY_CLASS: name('the name of a PriorityClass').optional(),
  /** A Kueue LocalQueue. */
  SOUNDSTAGE_RUNNER_QUEUE: label('the name of a Kueue LocalQueue').optional(),
};

type Config = z.infer<z.ZodObject<typeof runnerShape>>;

/** @param wanted whether runs on Kubernetes were asked for by name. @throws BAD_INPUT where the image is missing then */
export function readKubernetesRuns(config: Config, wanted: boolean): KubernetesRuns {
  if (wanted && config.SOUNDSTAGE_RUNNER_IMAGE === undefined) {
    throw badInput(
      'Runs are to be Kubernetes Jobs, but no image is named: set SOUNDSTAGE_RUNNER_IMAGE to that of the trainer.',
      'SOUNDSTAGE_RUNNER_IMAGE',
    );
  }
  const claim = config.SOUNDSTAGE_RUNNER_VOLUME;
  const path = config.SOUNDSTAGE_RUNNER_VOLUME_PATH;
  return {
    namespace: config.SOUNDSTAGE_RUNNER_NAMESPACE,
    image: config.SOUNDSTAGE_RUNNER_IMAGE,
    serviceAccount: config.SOUNDSTAGE_RUNNER_SERVICE_ACCOUNT,
    volume: claim === undefined ? undefined : { claim, path },
    cpu: config.SOUNDSTAGE_RUNNER_CPU,
    memory: config.SOUNDSTAGE_RUNNER_MEMORY,
    gpuType: config.SOUNDSTAGE_RUNNER_GPU_TYPE,
    gpuDriver: config.SOUNDSTAGE_RUNNER_GPU_DRIVER,
    spot: config.SOUNDSTAGE_RUNNER_SPOT === 'true',
    ttlS: config.SOUNDSTAGE_RUNNER_TTL_S,
    priorityClass: config.SOUNDSTAGE_RUNNER_PRIORITY_CLASS,
    queue: config.SOUNDSTAGE_RUNNER_QUEUE,
  };
}
