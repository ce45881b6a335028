import { join } from 'node:path';
import type { Adapters, JobRunner, ObjectStore, Queue, SignedAddresses } from '@soundstage/core';
import { readAdapterChoice, type AdapterChoice } from './config.js';
import { createKubernetesRuns } from './create-runner.js';

/**
 * The engines that a process runs on: those of one machine, below `home`, unless the environment asks for Google's
 * (SOUNDSTAGE_BACKEND, SOUNDSTAGE_QUEUE, SOUNDSTAGE_STORE, SOUNDSTAGE_RUNNER). Libraries of those that aren't asked for
 * aren't loaded.
 *
 * @throws BAD_INPUT for a wrong environment; UNAVAILABLE when an engine can't be opened
 */
export async function createAdapters(home: string, env: NodeJS.ProcessEnv = process.env): Promise<Adapters> {
  const choice = readAdapterChoice(env);
  const [queue, store, signed, runner] = await Promise.all([
    createQueue(home, choice),
    createStore(home, choice),
    createSigned(choice),
    createRunner(home, choice),
  ]);
  return { queue, store, runner, ...(signed ? { signed } : {}) };
}

/** The queue alone. @throws as `createAdapters` */
export async function createQueue(home: string, choice: AdapterChoice = readAdapterChoice()): Promise<Queue> {
  if (choice.queue === 'pubsub') {
    const { createPubSubQueue } = await import('@soundstage/adapters-gcp');
    return createPubSubQueue(choice.pubsub);
  }
  const { createSqliteQueue } = await import('@soundstage/adapters-local');
  return createSqliteQueue({ file: join(home, 'queue.sqlite') });
}

async function createStore(home: string, choice: AdapterChoice): Promise<ObjectStore> {
  if (choice.store === 'gcs') {
    const { createGcsObjectStore } = await import('@soundstage/adapters-gcp');
    return createGcsObjectStore({ ...choice.gcs, spoolFolder: join(home, 'scratch', 'uploads') });
  }
  const { createFolderObjectStore } = await import('@soundstage/adapters-local');
  return createFolderObjectStore({ folder: join(home, 'store') });
}

async function createSigned(choice: AdapterChoice): Promise<SignedAddresses | undefined> {
  if (choice.store !== 'gcs' || !choice.signedAddresses) return undefined;
  const { createSignedUrls } = await import('@soundstage/adapters-gcp');
  return createSignedUrls(choice.gcs);
}

async function createRunner(home: string, choice: AdapterChoice): Promise<JobRunner> {
  if (choice.runner === 'kubernetes') return createKubernetesRuns(home, choice.kubernetes);
  const { createProcessJobRunner } = await import('@soundstage/adapters-local');
  return createProcessJobRunner({ folder: join(home, 'runs') });
}
