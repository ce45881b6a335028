import {
  FoleyEngine,
  FoleyQuality,
  JobState,
  type FoleyCandidate,
  type FoleyResult,
  type FoleySpec,
  type Job,
} from '@soundstage/contracts';
import type { CandidateJson, JobJson } from './api-types.js';
import { mediaToJson } from './media-json.js';
import { syncLinks, syncResult, syncResultToJson, syncSpec, syncSpecToJson } from './sync-json.js';

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
  const [syncAsked, synced] = [syncSpec(job), syncResult(job)];
  return {
    id: job.id,
    kind: job.kind as JobJson['kind'],
    state: (STATES[job.state] ?? 'queued') as JobJson['state'],
    createTime: (job.createTime ?? new Date(0)).toISOString(),
    updateTime: (job.updateTime ?? job.createTime ?? new Date(0)).toISOString(),
    fraction: job.fraction,
    attempt: job.attempt,
    traceId: job.traceId,
    steps: job.steps.map(({ name, fraction, seconds, message }) => ({ name, fraction, seconds, message })),
    ...(spec && { request: specToJson(spec) }),
    ...(job.error && { error: { reason: job.error.reason, message: job.error.message } }),
    ...(result && { result: resultToJson(result, self) }),
    ...(syncAsked && { syncRequest: syncSpecToJson(syncAsked) }),
    ...(synced && { syncResult: syncResultToJson(synced) }),
    links: {
      self,
      events: `${self}/events`,
      cancel: `${self}/cancel`,
      ...((spec ?? syncAsked)?.video && { source: `${self}/source` }),
      ...(result?.candidates[0]?.video && { result: `${self}/result` }),
      ...(synced && syncLinks(synced, self)),
    },
  };
}

function specToJson(spec: FoleySpec): NonNullable<JobJson['request']> {
  return {
    fileName: spec.fileName,
    sound: spec.sound,
    keepOriginal: spec.keepOriginal,
    seed: String(spec.seed),
    mute: spec.mute,
    quality: spec.quality === FoleyQuality.DRAFT ? 'draft' : 'standard',
    candidates: Math.max(1, spec.candidates),
    onlyCues: spec.onlyCues,
    engine: spec.engine === FoleyEngine.REGNET ? 'regnet' : 'palette',
    ...(spec.stillDurationS > 0 && { stillDurationS: spec.stillDurationS }),
    ...(spec.video && { source: mediaToJson(spec.video) }),
    ...(spec.cues && { cues: mediaToJson(spec.cues) }),
  };
}

function resultToJson(result: FoleyResult, self: string): NonNullable<JobJson['result']> {
  return {
    durationS: result.durationS,
    candidates: result.candidates.map((candidate, index) =>
      candidateToJson(candidate, `${self}/candidates/${index + 1}`),
    ),
    classes: result.classes,
    timings: result.timings.map(({ step, seconds }) => ({ step: step.replace(/_s$/, ''), seconds })),
    warnings: result.warnings,
    ...(result.timingTrust !== undefined && { timingTrust: result.timingTrust }),
    models: result.models,
  };
}

function candidateToJson(candidate: FoleyCandidate, self: string): CandidateJson {
  const { video, cues, cuesVtt, loudnessLufs, truePeakDbtp } = candidate;
  return {
    seed: String(candidate.seed),
    hits: candidate.hits,
    layers: candidate.layers,
    sounds: candidate.sounds,
    ...(video && Number.isFinite(loudnessLufs) && { loudnessLufs }),
    ...(video && Number.isFinite(truePeakDbtp) && { truePeakDbtp }),
    ...(video && { video: mediaToJson(video) }),
    ...(cues && { cues: mediaToJson(cues) }),
    ...(cuesVtt && { cuesVtt: mediaToJson(cuesVtt) }),
    links: {
      ...(video && { video: `${self}/video` }),
      ...(cues && { cues: `${self}/cues` }),
      ...(cuesVtt && { cuesVtt: `${self}/cues.vtt` }),
    },
  };
}

export function foleySpec(job: Job): FoleySpec | undefined {
  return job.spec?.$case === 'foleySpec' ? job.spec.value : undefined;
}

export function foleyResult(job: Job): FoleyResult | undefined {
  return job.result?.$case === 'foley' ? job.result.value : undefined;
}
