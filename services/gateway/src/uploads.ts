import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { SoundstageError } from '@soundstage/core';
import type { ObjectRef } from '@soundstage/contracts';
import { displayName, mediaTypeOf } from './file-names.js';
import { readIdempotencyKey } from './job-form.js';
import { tooLarge } from './multipart.js';
import { HttpError } from './problems.js';
import * as schemas from './schemas.js';
import { unary, type Upstream } from './upstream.js';

interface Announced {
  fileName: string;
  sizeBytes: number;
  mediaType?: string;
  sha256: string;
}

/** /v1/uploads: files that browsers send straight to the object store. */
export function addUploadRoutes(app: FastifyInstance, upstream: Upstream, limits: { uploadBytes: number }): void {
  const { transfer } = upstream;
  app.post<{ Body: Announced }>(
    '/v1/uploads',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Announce a file that is sent straight to the object store',
        description:
          'Where the store takes files by itself: POST to the address without a body, PUT the bytes to the session that its Location names (in parts with Content-Range, if you like), then start a job with the upload’s id. The same Idempotency-Key gives the same upload again.',
        headers: schemas.idempotencyHeader,
        body: schemas.uploadSchema,
        response: {
          201: { description: 'The upload, and where its bytes go.', ...schemas.announcedSchema },
          ...schemas.refused,
          409: schemas.problemResponse('The Idempotency-Key belongs to another file.'),
          413: schemas.problemResponse('The file is larger than this server takes.'),
        },
      },
    },
    async ({ body, headers }, reply) => {
      const fileName = displayName(body.fileName);
      if (body.sizeBytes > limits.uploadBytes) throw tooLarge(fileName, limits.uploadBytes);
      const { upload, address } = await unary(transfer.createUpload.bind(transfer), {
        requestId: readIdempotencyKey(headers['idempotency-key']) ?? randomUUID(),
        fileName,
        sizeBytes: BigInt(body.sizeBytes),
        mediaType: mediaTypeOf(body.mediaType ?? '', fileName),
        sha256: body.sha256,
        signed: true,
      });
      if (!upload) throw new SoundstageError('INTERNAL', 'CreateUpload gave no upload.');
      if (!address && !upload.object)
        throw new HttpError(
          404,
          'NOT_FOUND',
          'The store takes no files by itself: send the file as a form to /v1/jobs.',
        );
      void reply.code(201);
      return {
        id: upload.id,
        complete: upload.object !== undefined,
        ...(address && {
          address: {
            url: address.url,
            method: address.method,
            headers: Object.fromEntries(address.headers.map(({ name, value }) => [name, value])),
            expiresAt: (address.expireTime ?? new Date(0)).toISOString(),
          },
        }),
      };
    },
  );
}

/** The file of an upload that was sent to the store. @throws NOT_FOUND; CONFLICT while it isn't there whole */
export async function finishUpload(
  { transfer }: Upstream,
  uploadId: string,
  signal: AbortSignal,
): Promise<{ fileName: string; video: ObjectRef }> {
  const { upload } = await unary(transfer.finishUpload.bind(transfer), { uploadId }, { signal });
  if (!upload?.object) throw new SoundstageError('INTERNAL', 'FinishUpload gave no object.');
  return { fileName: upload.fileName, video: upload.object };
}
