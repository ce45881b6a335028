import { z } from 'zod';
import { badInput, readConfig } from '@soundstage/core';
import { readKubernetesRuns, runnerShape, type KubernetesRuns } from './runner-config.js';

/** Which engines a process runs on, from its environment. */
export interface AdapterChoice {
  queue: 'sqlite' | 'pubsub';
  store: 'folder' | 'gcs';
  runner: 'process' | 'kubernetes';
  /** Whether clients are given addresses with which they send and fetch media by themselves. */
  signedAddresses: boolean;
  pubsub: { projectId: string | undefined; endpoint: string | undefined; prefix: string };
  gcs: { bucket: string; endpoint: string | undefined };
  kubernetes: KubernetesRuns;
}

const shape = {
  /** All engines at once; each can be chosen by itself below. */
  SOUNDSTAGE_BACKEND: z.enum(['local', 'gcp']).default('local'),
  SOUNDSTAGE_QUEUE: z.enum(['sqlite', 'pubsub']).optional(),
  SOUNDSTAGE_STORE: z.enum(['folder', 'gcs']).optional(),
  SOUNDSTAGE_RUNNER: z.enum(['process', 'kubernetes']).optional(),
  /** Default: on, where the store is Google's own. */
  SOUNDSTAGE_SIGNED_ADDRESSES: z.enum(['on', 'off']).optional(),
  /** Stands before the name of each topic and subscription. */
  SOUNDSTAGE_QUEUE_PREFIX: z
    .string()
    .regex(
      /^(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{0,99}$/,
      'start with a letter (not "goog"), then letters, digits, . _ ~ + % -',
    )
    .default('soundstage-'),
  SOUNDSTAGE_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'give the name of a bucket, without gs://')
    .optional(),
  /** As Google's libraries take them. */
  GOOGLE_CLOUD_PROJECT: z.string().optional(),
  PUBSUB_EMULATOR_HOST: z.string().optional(),
  STORAGE_EMULATOR_HOST: z.string().optional(),
  ...runnerShape,
};

/** @throws BAD_INPUT that lists every problem at once */
export function readAdapterChoice(env: NodeJS.ProcessEnv = process.env): AdapterChoice {
  const config = readConfig(shape, env);
  const gcp = config.SOUNDSTAGE_BACKEND === 'gcp';
  const store = config.SOUNDSTAGE_STORE ?? (gcp ? 'gcs' : 'folder');
  const bucket = config.SOUNDSTAGE_BUCKET ?? '';
  if (store === 'gcs' && bucket === '') {
    throw badInput(
      'Objects are to be kept in Cloud Storage, but no bucket is named: set SOUNDSTAGE_BUCKET.',
      'SOUNDSTAGE_BUCKET',
    );
  }
  return {
    queue: config.SOUNDSTAGE_QUEUE ?? (gcp ? 'pubsub' : 'sqlite'),
    store,
    runner: config.SOUNDSTAGE_RUNNER ?? (gcp ? 'kubernetes' : 'process'),
    // A stand-in has nobody who could sign.
    signedAddresses:
      store === 'gcs' && (config.SOUNDSTAGE_SIGNED_ADDRESSES ?? (config.STORAGE_EMULATOR_HOST ? 'off' : 'on')) === 'on',
    pubsub: {
      projectId: config.GOOGLE_CLOUD_PROJECT,
      endpoint: config.PUBSUB_EMULATOR_HOST,
      prefix: config.SOUNDSTAGE_QUEUE_PREFIX,
    },
    gcs: { bucket, endpoint: config.STORAGE_EMULATOR_HOST },
    kubernetes: readKubernetesRuns(config, config.SOUNDSTAGE_RUNNER === 'kubernetes'),
  };
}
