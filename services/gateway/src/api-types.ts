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

/** A job as the HTTP API shows it; `schemas.ts` describes the same. */
export interface JobJson {
  id: string;
  kind: string;
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
