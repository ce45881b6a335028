import { JobState, type FoleyResult, type FoleySpec, type Job, type ObjectRef } from '@soundstage/contracts';
import type { JobJson, MediaJson } from './api-types.js';

const STATES: Partial<Record<JobState, string>> = {
  [JobState.QUEUED]: 'queued',
  [JobState.RUNNING]: 'running',
  [JobState.SUCCEEDED]: 'succeeded',
  [JobState.FAILED]: 'failed',
  [JobState.CANCELLED]: 'cancelled',
};

/** Seeds are 64-bit in the contracts: as text, since JSON's numbers would lose their last digits. */
export function jobToJson(job: Job): JobJson {
  const self = `/v1/jobs/${encodeURIComponent(job.id)}`;
  const spec = foleySpec(job);
  const result = foleyResult(job);
  return {
    id: job.id,
    kind: job.kind,
    state: (STATES[job.state] ?? 'queued') as JobJson['state'],
    createTime: (job.createTime ?? new Date(0)).toISOString(),
    updateTime: (job.updateTime ?? job.createTime ?? new Date(0)).toISOString(),
    fraction: job.fraction,
    attempt: job.attempt,
    traceId: job.traceId,
    steps: job.steps.map(({ name, fraction, seconds, message }) => ({ name, fraction, seconds, message })),
    ...(spec && {
      request: {
        fileName: spec.fileName,
        sound: spec.sound,
        keepOriginal: spec.keepOriginal,
        seed: String(spec.seed),
        ...(spec.video && { source: mediaToJson(spec.video) }),
      },
    }),
    ...(job.error && { error: { reason: job.error.reason, message: job.error.message } }),
    ...(result && {
      result: {
        durationS: result.durationS,
        classes: result.classes,
        onsets: result.onsets,
        seed: String(result.seed),
        sounds: result.sounds,
        timings: result.timings.map(({ step, seconds }) => ({ step: step.replace(/_s$/, ''), seconds })),
        warnings: result.warnings,
        ...(Number.isFinite(result.loudnessLufs) && { loudnessLufs: result.loudnessLufs }),
        ...(Number.isFinite(result.truePeakDbtp) && { truePeakDbtp: result.truePeakDbtp }),
        ...(result.video && { video: mediaToJson(result.video) }),
      },
    }),
    links: {
      self,
      events: `${self}/events`,
      cancel: `${self}/cancel`,
      ...(spec?.video && { source: `${self}/source` }),
      ...(result?.video && { result: `${self}/result` }),
    },
  };
}

function mediaToJson({ sizeBytes, mediaType, sha256 }: ObjectRef): MediaJson {
  return { sizeBytes: Number(sizeBytes), mediaType, sha256 };
}

export function foleySpec(job: Job): FoleySpec | undefined {
  return job.spec?.$case === 'foleySpec' ? job.spec.value : undefined;
}

export function foleyResult(job: Job): FoleyResult | undefined {
  return job.result?.$case === 'foley' ? job.result.value : undefined;
}
