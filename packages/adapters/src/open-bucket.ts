import type { Bucket } from '@soundstage/adapters-gcp';
import { badInput } from '@soundstage/core';

export type { Bucket, BucketObject } from '@soundstage/adapters-gcp';

/** Below where in a bucket something lies: `gs://films/2026/` is `2026/` in `films`. */
export interface BucketPlace {
  bucket: string;
  /** Empty, or with a `/` at its end. */
  prefix: string;
}

/** Whether it is the address of a bucket, right or wrong. */
export const isBucketAddress = (text: string): boolean => text.startsWith('gs://');

/** Reads `gs://BUCKET/PREFIX`. @throws BAD_INPUT */
export function readBucketAddress(text: string): BucketPlace {
  const [, bucket, path = ''] = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:\/(.*))?$/.exec(text) ?? [];
  if (bucket === undefined || path.startsWith('/') || path.includes('//'))
    throw badInput(`${text} is no address of a bucket: give gs://BUCKET/PREFIX.`, 'bucket');
  return { bucket, prefix: path === '' || path.endsWith('/') ? path : `${path}/` };
}

/** Opens a bucket of Cloud Storage, whatever the environment chose for the store. Its library is loaded now. */
export async function openBucket(bucket: string, env: NodeJS.ProcessEnv = process.env): Promise<Bucket> {
  const { openBucket: open } = await import('@soundstage/adapters-gcp');
  return open({ bucket, endpoint: env.STORAGE_EMULATOR_HOST });
}
