import type { Job } from '@soundstage/contracts';
import { badInput } from '../errors.js';
import type { Handlers } from '../grpc/handlers.js';
import type { Platform } from '../platform.js';
import { checkInputs } from './objects.js';
import type { JobKind, Stage } from './stage.js';

/** A request that makes a job. */
export interface JobCreation<Spec> {
  requestId: string;
  spec: Spec | undefined;
}

/** Checks the spec and that its inputs are in the store, and makes a job of it. @throws BAD_INPUT */
export async function createJob<Spec, Kind extends JobKind>(
  { requestId, spec }: JobCreation<Spec>,
  stage: Stage<Spec, Kind>,
  platform: Platform,
): Promise<Job> {
  if (!spec) throw badInput('The request has no spec.', 'spec');
  await stage.check(spec);
  await checkInputs(platform.store, stage.inputs(spec));
  return platform.jobs.create({
    kind: stage.kind,
    spec: stage.spec.toJSON(spec),
    ...(requestId ? { requestId } : {}),
  });
}

/** The gRPC face of a stage: makes a job of the request and answers at once. */
export function createJobMethod<Spec, Kind extends JobKind>(
  method: string,
  stage: Stage<Spec, Kind>,
  platform: Platform,
  handlers: Handlers,
) {
  return handlers.unary<JobCreation<Spec>, { job: Job | undefined }>(method, async (request) => ({
    job: await createJob(request, stage, platform),
  }));
}
