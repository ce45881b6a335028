import type { FastifyRequest } from 'fastify';
import { SoundstageError } from '@soundstage/core';
import type { FoleySpec, Job, ObjectRef, SyncSpec } from '@soundstage/contracts';
import { storeCues } from './edited-cues.js';
import { displayName, mediaTypeOf } from './file-names.js';
import { fileNameOf, findJob, sourceOf } from './find-job.js';
import { readWish } from './job-form.js';
import { foleyResult } from './job-json.js';
import { readForm } from './multipart.js';
import type { PaletteReader } from './palette.js';
import { HttpError } from './problems.js';
import { readSyncWish } from './sync-form.js';
import { uploadFile } from './upload.js';
import { finishUpload } from './uploads.js';
import { unary, type Upstream } from './upstream.js';

export interface CreateOptions {
  uploadLimitBytes: number;
  uploadIdleMs: number;
  palette: PaletteReader;
}

interface Asked {
  /** Of the client, or a fresh one. */
  requestId: string;
  signal: AbortSignal;
}

/** Starts a job for the file of a form. @throws BAD_INPUT, and what the inference service refuses */
export async function createFromForm(
  upstream: Upstream,
  request: FastifyRequest,
  { uploadLimitBytes, uploadIdleMs }: CreateOptions,
  { requestId, signal }: Asked,
): Promise<Job> {
  const { fields, file } = await readForm(
    request.raw,
    { fileLimitBytes: uploadLimitBytes, idleMs: uploadIdleMs, signal },
    async (formFile) => {
      const fileName = displayName(formFile.fileName);
      const mediaType = mediaTypeOf(formFile.mediaType, fileName);
      const video = await uploadFile(upstream, { ...formFile, fileName, mediaType }, { requestId, signal });
      return { fileName, video };
    },
  );
  const isSync = fields.kind === 'sync';
  const wish = isSync ? readSyncWish(fields) : readWish(fields);
  if (!file) {
    const wanted = isSync ? 'a video' : 'a video or an image';
    throw new HttpError(400, 'BAD_INPUT', `Send ${wanted} in the field file.`, [
      { field: 'file', description: 'is missing' },
    ]);
  }
  if ('rangeS' in wish) return createSync(upstream, { ...wish, ...file }, { requestId, signal });
  return createFoley(upstream, { ...wish, ...file, cues: undefined }, { requestId, signal });
}

/**
 * Starts a job for a file that was sent to the store, or for the video of an earlier job, with an edited cue sheet or
 * another wish. @throws as above
 */
export async function createFromStored(
  upstream: Upstream,
  body: unknown,
  { palette }: CreateOptions,
  { requestId, signal }: Asked,
): Promise<Job> {
  const { sourceJob, upload, cues: edited, ...fields } = (body ?? {}) as Record<string, unknown>;
  const texts = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
  if (texts.kind === 'sync') {
    // A cue sheet is no field of a sync job, and is refused as one that isn't known.
    const asked = readSyncWish(edited === undefined || edited === null ? texts : { ...texts, cues: '' });
    return createSync(upstream, { ...asked, ...(await storedVideo(upstream, { sourceJob, upload }, signal)) }, { requestId, signal }); // prettier-ignore
  }
  const wish = readWish(texts);
  if (typeof upload === 'string' && sourceJob === undefined && (edited ?? null) === null) {
    const sent = await finishUpload(upstream, upload, signal);
    return createFoley(upstream, { ...wish, ...sent, cues: undefined }, { requestId, signal });
  }
  if (typeof sourceJob !== 'string') {
    throw new HttpError(400, 'BAD_INPUT', 'Name the job whose video is used in sourceJob, or an upload alone.', [
      { field: 'sourceJob', description: 'is missing' },
    ]);
  }
  const earlier = await findJob(upstream, sourceJob, signal);
  const video = sourceOf(earlier);
  const fileName = fileNameOf(earlier);
  let cues: ObjectRef | undefined;
  if (edited !== undefined && edited !== null) {
    const contradiction = wish.sound ? 'sound' : wish.onlyCues ? 'onlyCues' : undefined;
    if (contradiction) {
      throw new HttpError(400, 'BAD_INPUT', `A cue sheet says itself what sounds: leave out ${contradiction}.`, [
        { field: contradiction, description: 'can’t be said beside cues' },
      ]);
    }
    const durationS = foleyResult(earlier)?.durationS;
    cues = await storeCues(edited, { upstream, palette, durationS }, { requestId, signal });
  }
  return createFoley(upstream, { ...wish, video, fileName, cues }, { requestId, signal });
}

/** A video that is in the store: sent there, or of an earlier job. @throws BAD_INPUT unless one of the two is named */
async function storedVideo(
  upstream: Upstream,
  { sourceJob, upload }: { sourceJob?: unknown; upload?: unknown },
  signal: AbortSignal,
): Promise<{ fileName: string; video: ObjectRef }> {
  if (typeof upload === 'string' && sourceJob === undefined) return finishUpload(upstream, upload, signal);
  if (typeof sourceJob !== 'string' || upload !== undefined) {
    throw new HttpError(400, 'BAD_INPUT', 'Name the job whose video is used in sourceJob, or an upload alone.', [
      { field: 'sourceJob', description: 'is missing' },
    ]);
  }
  const earlier = await findJob(upstream, sourceJob, signal);
  return { fileName: fileNameOf(earlier), video: sourceOf(earlier) };
}

async function createSync(upstream: Upstream, spec: SyncSpec, { requestId, signal }: Asked): Promise<Job> {
  const create = upstream.inference.createSync.bind(upstream.inference);
  const { job } = await unary(create, { requestId, spec }, { signal });
  if (!job) throw new SoundstageError('INTERNAL', 'CreateSync gave no job.');
  return job;
}

async function createFoley(upstream: Upstream, spec: FoleySpec, { requestId, signal }: Asked): Promise<Job> {
  const create = upstream.inference.createFoley.bind(upstream.inference);
  const { job } = await unary(create, { requestId, spec }, { signal });
  if (!job) throw new SoundstageError('INTERNAL', 'CreateFoley gave no job.');
  return job;
}
