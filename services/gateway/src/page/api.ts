import type {
  CandidateJson,
  JobJson,
  LinkJson,
  Problem,
  SoundClassJson,
  SyncResultJson,
  UploadJson,
} from '../api-types.js';
import { hashFile, sendToStore, STORE_ORIGIN } from './direct-upload.js';

export type { CandidateJson, JobJson, Problem, SoundClassJson, SyncResultJson };
export type JobKind = JobJson['kind'];

/** What went wrong, in a sentence for people. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly reason: string,
    /** What exactly was wrong, and where. */
    readonly violations: readonly { field: string; description: string }[] = [],
  ) {
    super(message);
  }
}

export interface Wish {
  engine: 'palette' | 'regnet';
  sound: string;
  keepOriginal: boolean;
  seed: string;
  /** Classes or groups that must not sound. */
  mute: string[];
  quality: 'draft' | 'standard';
  candidates: number;
  /** Seconds, for a still image; empty: as the server has it. */
  stillDurationS: string;
}

export interface SyncWish {
  /** Offsets up to so many seconds either way are looked for. */
  rangeS: number;
  measureOnly: boolean;
}

/** What people call the video of a job. */
export const nameOf = ({ request, syncRequest }: JobJson) => (request ?? syncRequest)?.fileName;

function toError(body: unknown, status: number): ApiError {
  const problem = body as Partial<Problem> | undefined;
  if (problem?.detail) return new ApiError(problem.detail, problem.reason ?? 'INTERNAL', problem.violations);
  return new ApiError(`The server answered with an error (${status}): try again.`, 'INTERNAL');
}

const unreachable = () =>
  new ApiError(
    'The server can’t be reached: check that it runs and that you are online, then try again.',
    'UNAVAILABLE',
  );

async function request<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw unreachable();
  }
  const body = (await response.json().catch(() => undefined)) as unknown;
  // The session is over.
  if (response.status === 401) location.assign('/login');
  if (!response.ok) throw toError(body, response.status);
  return body as T;
}

export const getJob = (id: string) => request<JobJson>(`/v1/jobs/${encodeURIComponent(id)}`);
export const listJobs = (kind: JobKind, pageToken?: string) =>
  request<{ jobs: JobJson[]; nextPageToken?: string }>(
    `/v1/jobs?kind=${kind}&pageSize=12${pageToken ? `&pageToken=${encodeURIComponent(pageToken)}` : ''}`,
  );
export const cancelJob = (id: string) =>
  request<JobJson>(`/v1/jobs/${encodeURIComponent(id)}/cancel`, { method: 'POST' });

const postJob = (asked: { kind: JobKind; [field: string]: unknown }, key: string) =>
  request<JobJson>('/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(asked),
  });

/** Another take of a video that is on the server already. */
export const repeatJob = (sourceJob: string, wish: Wish) =>
  postJob({ kind: 'foley', sourceJob, ...fitting(wish) }, newKey());

/** The same video measured anew. */
export const repeatSync = (sourceJob: string, wish: SyncWish) =>
  postJob({ kind: 'sync', sourceJob, ...wish }, newKey());

/** An address of a finished video for somebody else, that needs no log-in and works for an hour. */
export const linkTo = (jobId: string) => request<LinkJson>(`/v1/jobs/${encodeURIComponent(jobId)}/link`);

/** What was wished for the palette before the net was chosen isn't sent with it. */
const fitting = (wish: Wish): Wish =>
  wish.engine === 'regnet' ? { ...wish, sound: '', mute: [], stillDurationS: '' } : wish;

/** Renders an edited cue sheet, as text, for the video of a job. */
export const renderCues = (
  sourceJob: string,
  cues: string,
  wish: Pick<Wish, 'keepOriginal' | 'quality' | 'stillDurationS'>,
) => postJob({ kind: 'foley', sourceJob, cues, ...wish }, newKey());

/** What was asked for in a job, to be asked for again. */
export function wishOf({ request: asked }: JobJson): Wish {
  return {
    engine: asked?.engine ?? 'palette',
    sound: asked?.sound ?? '',
    keepOriginal: asked?.keepOriginal ?? false,
    seed: asked?.seed ?? '0',
    mute: asked?.mute ?? [],
    quality: asked?.quality ?? 'standard',
    candidates: asked?.candidates ?? 1,
    stillDurationS: asked?.stillDurationS ? String(asked.stillDurationS) : '',
  };
}

/** What there is to hear. Asked once; a failure is asked again. */
export function listSounds(): Promise<SoundClassJson[]> {
  palette ??= request<{ classes: SoundClassJson[] }>('/v1/sounds').then(({ classes }) => classes);
  palette.catch(() => (palette = undefined));
  return palette;
}
let palette: Promise<SoundClassJson[]> | undefined;

/** A cue sheet as it was written. */
export async function getCues(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw toError(await response.json().catch(() => undefined), response.status);
  return response.text();
}

/** A random key; `crypto.randomUUID` is missing where a page comes over plain HTTP from another machine. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** A still image, of a kind that the server takes. */
export const isImage = (file: { type: string }) => /^image\/(png|jpeg|webp)$/.test(file.type);

export interface Upload {
  job: Promise<JobJson>;
  cancel(): void;
}

export type UploadStep = 'read' | 'send';
/** What is asked for with a file, as the fields of a form. */
export type Asked = { kind: JobKind } & Record<string, string>;

export function askFoley(wished: Wish, file: File): Asked {
  const { engine, sound, keepOriginal, seed, mute, quality, candidates, stillDurationS } = fitting(wished);
  return {
    ...{ kind: 'foley' as const, engine, sound, keepOriginal: String(keepOriginal), seed },
    ...{ mute: mute.join(', '), quality, candidates: String(candidates) },
    ...(stillDurationS && isImage(file) ? { stillDurationS } : {}),
  };
}

export const askSync = ({ rangeS, measureOnly }: SyncWish): Asked => ({
  kind: 'sync',
  rangeS: String(rangeS),
  measureOnly: String(measureOnly),
});

type OnProgress = (fraction: number, step: UploadStep) => void;

/** Sends a video: straight to the object store where that takes it, else to this server. */
export function uploadVideo(file: File, asked: Asked, key: string, onProgress: OnProgress): Upload {
  if (STORE_ORIGIN === '') return uploadForm(file, asked, key, onProgress);
  const abort = new AbortController();
  let form: Upload | undefined;
  const send = async () => {
    const sent = await uploadToStore(file, key, abort.signal, onProgress);
    if (sent !== undefined) return postJob({ ...asked, upload: sent }, key);
    form = uploadForm(file, asked, key, onProgress);
    return form.job;
  };
  const job = send().catch((error: unknown) => {
    if (abort.signal.aborted) throw new ApiError('The upload was cancelled.', 'CANCELLED');
    const { reason = 'INTERNAL', message } = error as ApiError;
    throw error instanceof ApiError ? error : new ApiError(message, reason);
  });
  return { job, cancel: () => (form ? form.cancel() : abort.abort()) };
}

/** @returns the upload's id; undefined where the store takes no files from this browser */
async function uploadToStore(file: File, key: string, signal: AbortSignal, onProgress: OnProgress) {
  const sha256 = await hashFile(file, signal, (fraction) => onProgress(fraction, 'read'));
  onProgress(0, 'send');
  const upload = await request<UploadJson>('/v1/uploads', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ fileName: file.name, sizeBytes: file.size, mediaType: file.type, sha256 }),
    signal,
  }).catch((error: ApiError) => {
    if (error.reason === 'NOT_FOUND') return undefined;
    throw error;
  });
  if (!upload) return undefined;
  const there = await sendToStore(file, upload, signal, (fraction) => onProgress(fraction, 'send'));
  return there ? upload.id : undefined;
}

/** Sends a video with XMLHttpRequest, since fetch can't tell how much has been sent. */
function uploadForm(file: File, asked: Asked, key: string, onProgress: OnProgress): Upload {
  const form = new FormData();
  for (const [name, value] of Object.entries(asked)) form.set(name, value);
  form.set('sizeBytes', String(file.size));
  form.set('file', file);
  const xhr = new XMLHttpRequest();
  const job = new Promise<JobJson>((resolve, reject) => {
    xhr.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0, 'send');
    xhr.onload = () => {
      let body: unknown;
      try {
        body = JSON.parse(xhr.responseText);
      } catch {
        body = undefined;
      }
      if (xhr.status === 202) resolve(body as JobJson);
      else reject(toError(body, xhr.status));
    };
    xhr.onerror = () => reject(unreachable());
    xhr.onabort = () => reject(new ApiError('The upload was cancelled.', 'CANCELLED'));
  });
  xhr.open('POST', '/v1/jobs');
  xhr.setRequestHeader('idempotency-key', key);
  xhr.send(form);
  return { job, cancel: () => xhr.abort() };
}

const ENDED = new Set(['succeeded', 'failed', 'cancelled']);

export const hasEnded = (job: JobJson) => ENDED.has(job.state);

/** Tells each change of a job until it ends. A broken connection is taken up again by the browser. */
export function followJob(id: string, onJob: (job: JobJson) => void, onProblem: (error: ApiError) => void): () => void {
  const source = new EventSource(`/v1/jobs/${encodeURIComponent(id)}/events`);
  source.addEventListener('job', (event) => {
    const job = JSON.parse((event as MessageEvent<string>).data) as JobJson;
    if (hasEnded(job)) source.close();
    onJob(job);
  });
  source.addEventListener('error', () => {
    // CLOSED: the server refused, and the browser won't ask again; the plain call tells why.
    if (source.readyState !== EventSource.CLOSED) return;
    getJob(id).then(onJob, onProblem);
  });
  return () => source.close();
}
