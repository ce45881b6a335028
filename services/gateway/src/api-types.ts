/* What the HTTP API says, as types: shared by the server and the page. */

export interface MediaJson {
  sizeBytes: number;
  mediaType: string;
  sha256: string;
}

export interface SoundNameJson {
  name: string;
  /** An SPDX identifier; empty for `synthesis`. */
  licence: string;
}

/** One soundtrack of a job. */
export interface CandidateJson {
  seed: string;
  hits: number;
  layers: number;
  sounds: SoundNameJson[];
  /** Absent where there is silence, whose level is −∞, and where no video was made. */
  loudnessLufs?: number;
  truePeakDbtp?: number;
  /** Absent where only the cue sheet was asked for. */
  video?: MediaJson;
  cues?: MediaJson;
  cuesVtt?: MediaJson;
  /** The cue sheet is absent where a net made the sound. */
  links: { video?: string; cues?: string; cuesVtt?: string };
}

/** A stretch of a film, in seconds of its picture. */
export interface SyncSegmentJson {
  startS: number;
  endS: number;
  /** At its middle. Positive: the sound comes late. */
  offsetMs: number;
  /** By how many microseconds the offset grows each second. */
  driftPpm: number;
  /** How likely the offset is right within 80 ms, 0 to 1. */
  confidence: number;
  /** Seconds of speech of a face in the picture that it rests on. */
  speechS: number;
}

/** How picture and sound lie to each other. */
export interface SyncAnswerJson {
  verdict: 'in_sync' | 'offset' | 'drift' | 'piecewise' | 'cannot_tell';
  /** With `cannot_tell` alone. */
  reason?: string;
  detail: string;
  /** Absent where nothing can be told. */
  offsetMs?: number;
  confidence: number;
  segments: SyncSegmentJson[];
}

/** What a sync job found and made. */
export interface SyncResultJson extends SyncAnswerJson {
  /** Of the repaired video; without `video` where the repair was no better and was thrown away. */
  after?: SyncAnswerJson;
  video?: MediaJson;
  /** How the sound was moved, or why nothing was altered. */
  whatWasDone: string;
  durationS: number;
  timings: { step: string; seconds: number }[];
  warnings: string[];
  models: { name: string; version: string }[];
}

/** A job as the HTTP API shows it; `schemas.ts` describes the same. */
export interface JobJson {
  id: string;
  kind: 'foley' | 'sync';
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  createTime: string;
  updateTime: string;
  fraction: number;
  attempt: number;
  traceId: string;
  steps: { name: string; fraction: number; seconds: number; message: string }[];
  request?: {
    fileName: string;
    sound: string;
    keepOriginal: boolean;
    seed: string;
    mute: string[];
    quality: 'draft' | 'standard';
    candidates: number;
    onlyCues: boolean;
    engine: 'palette' | 'regnet';
    stillDurationS?: number;
    source?: MediaJson;
    /** The cue sheet that was to be rendered, where there was one. */
    cues?: MediaJson;
  };
  /** What was asked for, of a sync job. */
  syncRequest?: { fileName: string; rangeS: number; measureOnly: boolean; source?: MediaJson };
  syncResult?: SyncResultJson;
  error?: { reason: string; message: string };
  result?: {
    durationS: number;
    candidates: CandidateJson[];
    classes: { label: string; confidence: number }[];
    timings: { step: string; seconds: number }[];
    warnings: string[];
    /** 0 to 1; absent where nothing was timed. */
    timingTrust?: number;
    /** The models that the job ran. */
    models: { name: string; version: string }[];
  };
  links: {
    self: string;
    events: string;
    cancel: string;
    source?: string;
    result?: string;
    /** Of a sync job: a page to look at, and all that was measured, as JSON. */
    report?: string;
    evidence?: string;
    /** The result's address for somebody else, for an hour; told of one job by itself alone. */
    signedResult?: string;
  };
}

/** An address of a result for somebody else. */
export interface LinkJson {
  url: string;
  expiresAt: string;
}

/** A file that is sent to the object store by itself. */
export interface UploadJson {
  id: string;
  /** Its bytes are there already. */
  complete: boolean;
  address?: { url: string; method: string; headers: Record<string, string>; expiresAt: string };
}

/** A class of the palette: what a cue may be. */
export interface SoundClassJson {
  id: string;
  label: string;
  kind: 'struck' | 'continuous';
  group: string;
  sounds: SoundNameJson[];
  links: { preview: string };
}

/** RFC 9457 problem details, with the same reason and violations as the service's google.rpc.Status. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  /** A sentence that says what to do next. */
  detail: string;
  instance: string;
  reason: string;
  violations?: { field: string; description: string }[];
  retryAfterS?: number;
}
