import { createHash } from 'node:crypto';
import { TransferServiceService, type TransferServiceServer, type Upload } from '@soundstage/contracts';
import { badInput, SoundstageError } from '../errors.js';
import type { Platform } from '../platform.js';
import { appendPart, createUpload, finishSentUpload, finishUpload, readUpload, sentContent } from '../uploads.js';
import type { Handlers } from './handlers.js';
import type { GrpcService } from './host.js';
import { createSigner } from './signer.js';

/** Parts are stored in this size: small enough to lose little, large enough to be few. */
const PART_BYTES = 8 * 2 ** 20;
const CHUNK_BYTES = 512 * 1024;
/** What references point to: media, results, and the pages of training runs. Records of services stay inside. */
const FOR_ALL = /^(media\/|work\/|training-runs\/[^/]+\/page-[^/]+\.html$)/;

/** TransferService: media into and out of the store, in chunks, resumable by offset, or past us by signed addresses. */
export function createTransferService(
  { store, signed, log }: Pick<Platform, 'store' | 'signed' | 'log'>,
  handlers: Handlers,
  limits: { uploadBytes: number },
): GrpcService {
  const signer = createSigner(signed, log);
  const implementation: TransferServiceServer = {
    createUpload: handlers.unary('CreateUpload', async (request) => {
      const upload = await createUpload(store, request, limits.uploadBytes);
      if (!request.signed || upload.object) return { upload, address: undefined };
      const sent = await sentContent(store, upload.id);
      // Sent by a client that went away before it could say so.
      if (await store.stat(sent.key)) return { upload: await finishSentUpload(store, upload.id), address: undefined };
      return { upload, address: await signer.upload(sent) };
    }),

    getUpload: handlers.unary('GetUpload', async ({ uploadId }) => ({ upload: await readUpload(store, uploadId) })),

    writeUpload: handlers.clientStream('WriteUpload', async (requests, { signal }) => {
      let upload: Upload | undefined;
      let pending: Buffer[] = [];
      let pendingBytes = 0;
      /** Runs along only while the stream covers the whole upload, to spare a second reading. */
      let hash: ReturnType<typeof createHash> | undefined;

      const flush = async (open: Upload) => {
        if (pendingBytes === 0) return;
        await appendPart(store, open, Buffer.concat(pending), signal);
        pending = [];
        pendingBytes = 0;
      };

      for await (const { uploadId, offsetBytes, data: sent } of requests) {
        if (!upload) {
          upload = await readUpload(store, uploadId);
          if (upload.object) return { upload };
          if (upload.committedBytes === 0n) hash = createHash('sha256');
        }
        const expected = upload.committedBytes + BigInt(pendingBytes);
        // What a stream that broke off had sent may be stored only after its sender has asked how far it came.
        const known = offsetBytes < expected ? Number(expected - offsetBytes) : 0;
        const data = sent.subarray(known);
        if (offsetBytes > expected) {
          await flush(upload);
          throw badInput(`The chunk starts at byte ${offsetBytes}, but byte ${expected} comes next.`, 'offset_bytes');
        }
        if (expected + BigInt(data.length) > upload.sizeBytes) {
          throw badInput(`The upload is longer than the ${upload.sizeBytes} bytes that were announced.`, 'data');
        }
        hash?.update(data);
        pending.push(data);
        pendingBytes += data.length;
        if (pendingBytes >= PART_BYTES) await flush(upload);
      }
      if (!upload) throw badInput('The stream held no message.', 'upload_id');
      await flush(upload);
      if (upload.committedBytes < upload.sizeBytes) return { upload };
      return { upload: await finishUpload(store, upload, hash?.digest('hex'), signal) };
    }),

    finishUpload: handlers.unary('FinishUpload', async ({ uploadId }) => ({
      upload: await finishSentUpload(store, uploadId),
    })),

    signDownload: handlers.unary('SignDownload', async ({ key, ...options }) => {
      if (!FOR_ALL.test(key) || !(await store.stat(key))) throw noObject(key);
      return { address: await signer.download(key, options) };
    }),

    getStore: handlers.unary('GetStore', async () => ({ signedOrigin: signer.origin() })),

    download: handlers.serverStream('Download', async function* ({ key, offsetBytes }, { signal }) {
      if (!FOR_ALL.test(key)) throw noObject(key);
      const described = await store.stat(key);
      if (!described) throw noObject(key);
      const sizeBytes = BigInt(described.sizeBytes);
      if (offsetBytes > sizeBytes) {
        throw badInput(`The object has ${sizeBytes} bytes, byte ${offsetBytes} is behind its end.`, 'offset_bytes');
      }
      let at = offsetBytes;
      if (at === sizeBytes) {
        yield { offsetBytes: at, sizeBytes, data: Buffer.alloc(0) };
        return;
      }
      const content = await store.get(key, { startByte: Number(at) });
      try {
        for await (const block of content as AsyncIterable<Buffer>) {
          for (let i = 0; i < block.length; i += CHUNK_BYTES) {
            if (signal.aborted) throw signal.reason as Error;
            const data = block.subarray(i, i + CHUNK_BYTES);
            yield { offsetBytes: at, sizeBytes, data };
            at += BigInt(data.length);
          }
        }
      } finally {
        content.destroy();
      }
    }),
  };
  return { definition: TransferServiceService, implementation };
}

const noObject = (key: string) => new SoundstageError('NOT_FOUND', `There is no object ${JSON.stringify(key)}.`);
