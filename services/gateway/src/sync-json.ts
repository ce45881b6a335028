import {
  SyncVerdict,
  type Job,
  type SyncAfter,
  type SyncResult,
  type SyncSegment,
  type SyncSpec,
} from '@soundstage/contracts';
import type { JobJson, SyncAnswerJson, SyncResultJson } from './api-types.js';
import { mediaToJson } from './media-json.js';

const VERDICTS: Partial<Record<SyncVerdict, SyncAnswerJson['verdict']>> = {
  [SyncVerdict.IN_SYNC]: 'in_sync',
  [SyncVerdict.OFFSET]: 'offset',
  [SyncVerdict.DRIFT]: 'drift',
  [SyncVerdict.PIECEWISE]: 'piecewise',
  [SyncVerdict.CANNOT_TELL]: 'cannot_tell',
};

export function syncSpec(job: Job): SyncSpec | undefined {
  return job.spec?.$case === 'syncSpec' ? job.spec.value : undefined;
}

export function syncResult(job: Job): SyncResult | undefined {
  return job.result?.$case === 'sync' ? job.result.value : undefined;
}

export function syncSpecToJson({
  fileName,
  rangeS,
  measureOnly,
  video,
}: SyncSpec): NonNullable<JobJson['syncRequest']> {
  return { fileName, rangeS: rangeS || 1, measureOnly, ...(video && { source: mediaToJson(video) }) };
}

export function syncResultToJson(result: SyncResult): SyncResultJson {
  const { after, video, whatWasDone, durationS, timings, warnings, models } = result;
  return {
    ...answerToJson(result),
    ...(after && { after: answerToJson(after) }),
    ...(video && { video: mediaToJson(video) }),
    whatWasDone,
    durationS,
    timings: timings.map(({ step, seconds }) => ({ step: step.replace(/_s$/, ''), seconds })),
    warnings,
    models,
  };
}

export function syncLinks({ video, report, evidence }: SyncResult, self: string): Partial<JobJson['links']> {
  return {
    ...(video && { result: `${self}/result` }),
    ...(report && { report: `${self}/report` }),
    ...(evidence && { evidence: `${self}/evidence` }),
  };
}

function answerToJson({
  verdict,
  reason,
  detail,
  offsetMs,
  confidence,
  segments,
}: SyncResult | SyncAfter): SyncAnswerJson {
  return {
    verdict: VERDICTS[verdict] ?? 'cannot_tell',
    ...(reason && { reason }),
    detail,
    ...(offsetMs !== undefined && { offsetMs }),
    confidence,
    segments: segments.map(segmentToJson),
  };
}

function segmentToJson({ startS, endS, offsetMs, driftPpm, confidence, speechS }: SyncSegment) {
  return { startS, endS, offsetMs, driftPpm, confidence, speechS };
}
