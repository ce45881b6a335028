import { join } from 'node:path';
import { badInput, type JobRunner } from '@soundstage/core';
import type { KubernetesRuns } from './runner-config.js';

/**
 * Runs as Kubernetes Jobs. The client library is large and few services start runs, so it is loaded, and the cluster
 * looked for, when the first run is asked for.
 *
 * @throws BAD_INPUT at the first use where the image isn't named or no cluster is configured
 */
export function createKubernetesRuns(home: string, runs: KubernetesRuns): JobRunner {
  let opened: Promise<JobRunner> | undefined;
  const runner = () => (opened ??= open(home, runs));
  return {
    start: async (spec) => (await runner()).start(spec),
    async *follow(name, signal) {
      yield* (await runner()).follow(name, signal);
    },
    cancel: async (name) => (await runner()).cancel(name),
    remove: async (name) => (await runner()).remove(name),
  };
}

async function open(home: string, { image, volume, ...runs }: KubernetesRuns): Promise<JobRunner> {
  if (image === undefined) {
    throw badInput(
      'A run is to be a Kubernetes Job, but no image is named: set SOUNDSTAGE_RUNNER_IMAGE, or SOUNDSTAGE_RUNNER=process.',
      'SOUNDSTAGE_RUNNER_IMAGE',
    );
  }
  const { createKubernetesJobRunner } = await import('@soundstage/adapters-gcp/runs');
  return createKubernetesJobRunner({
    ...runs,
    image,
    volume: volume && { claim: volume.claim, path: volume.path ?? join(home, 'runs-data') },
  });
}
