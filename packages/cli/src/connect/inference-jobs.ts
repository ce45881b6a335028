import { InferenceServiceService, JobState, type Job } from '@soundstage/contracts';
import { canonicalJson, sha256, SoundstageError, type JobKind, type Reason } from '@soundstage/core';
import { ask } from './ask.js';
import { connect, type Connection } from './connect.js';

/** Jobs of an inference service that runs elsewhere. */
export interface InferenceJobs {
  connection: Connection;
  /** Changes with the models that are loaded there. */
  version: string;
  /** Names of the models that are loaded there. */
  models: ReadonlySet<string>;
  /**
   * Has a job done: asked twice for the same, also by a command that was killed, the service does it once.
   *
   * @returns the job, which has succeeded
   * @throws what it failed of; UNAVAILABLE where somebody has cancelled it
   */
  run(
    job: { kind: JobKind; spec: unknown; create: (requestId: string) => Promise<Job | undefined> },
    options: {
      signal: AbortSignal | undefined;
      onProgress: ((step: string, fraction: number, message: string) => void) | undefined;
    },
  ): Promise<Job>;
}

/** @throws BAD_INPUT for a wrong address; UNAVAILABLE where nobody answers */
export async function openInferenceJobs(server: string): Promise<InferenceJobs> {
  const connection = await connect(['inference'], { server });
  const startedAt = new Date();
  const { models } = await connection.call(InferenceServiceService.listLoadedModels, {});
  const loaded = models.map(({ name, version, sha256: hash }) => `${name}/${version} ${hash}`).toSorted();
  const version = `service-${sha256(canonicalJson(loaded)).slice(0, 16)}`;
  return {
    connection,
    version,
    models: new Set(models.map(({ name }) => name)),
    async run(what, { signal, onProgress }) {
      const { job } = await ask({ ...connection, codeVersionOf: () => version }, what, {
        startedAt,
        signal,
        onChange: ({ steps }) => {
          const step = steps.findLast(({ fraction }) => fraction > 0);
          if (step) onProgress?.(step.name, step.fraction, step.message);
        },
      });
      if (job.state === JobState.SUCCEEDED) return job;
      if (job.state === JobState.CANCELLED)
        throw new SoundstageError('UNAVAILABLE', 'Somebody has cancelled its job: run this again.');
      throw new SoundstageError((job.error?.reason || 'INTERNAL') as Reason, job.error?.message || 'Its job failed.');
    },
  };
}
