/* What the HTTP API says, as types: shared by the server and the page. */

export interface MediaJson {
  sizeBytes: number;
  mediaType: string;
  sha256: string;
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
  request?: { fileName: string; sound: string; keepOriginal: boolean; seed: string; source?: MediaJson };
  error?: { reason: string; message: string };
  result?: {
    durationS: number;
    classes: { label: string; confidence: number }[];
    onsets: { timeS: number; strength: number }[];
    seed: string;
    sounds: { name: string; licence: string }[];
    timings: { step: string; seconds: number }[];
    warnings: string[];
    /** Absent where there is silence, whose level is −∞. */
    loudnessLufs?: number;
    truePeakDbtp?: number;
    video?: MediaJson;
  };
  links: { self: string; events: string; cancel: string; source?: string; result?: string };
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
