import type { Job } from '@soundstage/contracts';
import { badInput } from '../errors.js';
import type { Handlers } from '../grpc/handlers.js';
import type { Platform } from '../platform.js';
import { checkInputs } from './objects.js';
import type { JobKind, Stage } from './stage.js';

/**
 * The gRPC face of a stage: checks the spec and that its inputs are in the store, makes a job of it and answers at
 * once.
 */
export function createJobMethod<Spec, Kind extends JobKind>(
  method: string,
  stage: Stage<Spec, Kind>,
  platform: Platform,
  handlers: Handlers,
) {
  return handlers.unary<{ requestId: string; spec: Spec | undefined }, { job: Job | undefined }>(
    method,
    async ({ requestId, spec }) => {
      if (!spec) throw badInput('The request has no spec.', 'spec');
      await stage.check(spec);
      await checkInputs(platform.store, stage.inputs(spec));
      const job = await platform.jobs.create({
        kind: stage.kind,
        spec: stage.spec.toJSON(spec),
        ...(requestId ? { requestId } : {}),
      });
      return { job };
    },
  );
}
