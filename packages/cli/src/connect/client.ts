import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Metadata, type ClientReadableStream, type MethodDefinition } from '@grpc/grpc-js';
import {
  JobServiceService,
  TransferServiceService,
  type Job,
  type ObjectRef,
  type WriteUploadRequest,
  type WriteUploadResponse,
} from '@soundstage/contracts';
import {
  channelTo,
  fromServiceError,
  hasEnded,
  readClientSecurity,
  SoundstageError,
  throwIfAborted,
  type ClientSecurity,
} from '@soundstage/core';
import { readSigned, sendSigned } from './signed-transfer.js';

/** Calls of services at one address. Every error is a SoundstageError, made of the status that came over the wire. */
export interface ServiceClient {
  /** Waits until somebody answers. @throws UNAVAILABLE where nobody does */
  ready(limitMs: number): Promise<void>;
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal?: AbortSignal,
  ): Promise<Response>;
  /** A server stream's messages. Leaving the loop ends the call. */
  stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal?: AbortSignal,
  ): AsyncGenerator<Response>;
  /** The content of an object of the store. */
  download(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  /** Sends a file; what was sent before isn't sent again. */
  upload(file: UploadFile, signal?: AbortSignal): Promise<ObjectRef>;
  /** The job as it ended. Goes on where the connection breaks for a while. */
  untilEnded(jobId: string, options?: { onChange?: (job: Job) => void; signal?: AbortSignal }): Promise<Job>;
  close(): void;
}

export interface UploadFile {
  path: string;
  sha256: string;
  mediaType: string;
}

const CHUNK_BYTES = 512 * 1024;
/** A service that is started anew is back within this. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;
const DEADLINE_MS = 60_000;

/**
 * A client of every service at an address, `host:port`.
 *
 * @param security whose certificates are taken, and the token that is sent; default: as the environment says
 */
export function createServiceClient(address: string, security: ClientSecurity = readClientSecurity()): ServiceClient {
  const { credentials, options, warning } = channelTo(address, security);
  if (warning) process.stderr.write(`soundstage: ${warning}\n`);
  const client = new Client(address, credentials, options);

  /** Whether the store takes and gives media by itself. Asked once; services that don't know the question can't. */
  let asked: Promise<boolean> | undefined;
  const signsAddresses = (signal?: AbortSignal) =>
    (asked ??= service.call(TransferServiceService.getStore, {}, signal).then(
      ({ signedOrigin }) => signedOrigin !== '',
      (error: unknown) => {
        asked = undefined;
        throwIfAborted(signal);
        if (SoundstageError.from(error).reason === 'UNAVAILABLE') throw error;
        return false;
      },
    ));

  const service: ServiceClient = {
    ready: (limitMs) =>
      new Promise((resolve, reject) => {
        client.waitForReady(Date.now() + limitMs, (cause) => {
          if (!cause) resolve();
          else {
            const secure = security.roots !== undefined ? ', or SOUNDSTAGE_TLS_CA does not fit their certificate' : '';
            const sentence = `Nobody answers at ${address}${secure}: start the services there with \`soundstage up\`.`;
            reject(new SoundstageError('UNAVAILABLE', sentence, { cause }));
          }
        });
      }),

    call: ({ path, requestSerialize, responseDeserialize }, request, signal) =>
      new Promise((resolve, reject) => {
        const options = { deadline: Date.now() + DEADLINE_MS };
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          new Metadata(),
          options,
          (error, response) => {
            signal?.removeEventListener('abort', cancel);
            if (error) reject(fromServiceError(error));
            else resolve(response!);
          },
        );
        const cancel = () => call.cancel();
        signal?.addEventListener('abort', cancel, { once: true });
      }),

    async *stream({ path, requestSerialize, responseDeserialize }, request, signal) {
      throwIfAborted(signal);
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        for await (const message of call as AsyncIterable<never>) yield message;
      } catch (error) {
        throwIfAborted(signal);
        throw fromServiceError(error as never);
      } finally {
        signal?.removeEventListener('abort', cancel);
        abandon(call);
      }
    },

    async *download(key, signal) {
      const signed = (await signsAddresses(signal)) && (await readSigned(service, key, signal));
      if (signed) {
        yield* signed;
        return;
      }
      const chunks = service.stream(TransferServiceService.download, { key, offsetBytes: 0n }, signal);
      for await (const { data } of chunks) yield data;
    },

    async upload({ path, sha256, mediaType }, signal) {
      const { size } = await stat(path);
      // Equal bytes are one upload: what broke off goes on, what is there is found.
      const request = {
        requestId: `media ${sha256}`,
        fileName: basename(path),
        sizeBytes: BigInt(size),
        mediaType,
        sha256,
        signed: await signsAddresses(signal),
      };
      for (const sinceMs = Date.now(); ;) {
        const { upload, address } = await service.call(TransferServiceService.createUpload, request, signal);
        if (upload?.object) return upload.object;
        if (address) {
          const sent = await sendSigned(service, { uploadId: upload!.id, address }, { path, sizeBytes: size }, signal);
          if (sent) return sent;
          asked = Promise.resolve(false);
        }
        try {
          const startByte = Number(upload!.committedBytes);
          const object = await sendFile(client, { id: upload!.id, path, startByte }, signal);
          if (object) return object;
          throw new SoundstageError('UNAVAILABLE', `${path} did not arrive whole: try again.`);
        } catch (error) {
          // Somebody else may be sending the same bytes.
          const { reason } = SoundstageError.from(error);
          if (reason !== 'CONFLICT' || Date.now() - sinceMs > PATIENCE_MS) throw error;
          await sleep(PAUSE_MS, undefined, signal ? { signal } : {});
        }
      }
    },

    async untilEnded(jobId, { onChange, signal } = {}) {
      for (let silentSinceMs = Date.now(); ;) {
        try {
          for await (const { job } of service.stream(JobServiceService.watchJob, { jobId }, signal)) {
            silentSinceMs = Date.now();
            if (!job) continue;
            onChange?.(job);
            if (hasEnded(job)) return job;
          }
        } catch (error) {
          const { reason } = SoundstageError.from(error);
          if (reason !== 'UNAVAILABLE' || Date.now() - silentSinceMs > PATIENCE_MS) throw error;
        }
        await sleep(PAUSE_MS, undefined, signal ? { signal } : {});
      }
    },

    close: () => client.close(),
  };
  return service;
}

/** Ends a call whose answers nobody wants any more; the error that this gives is no news. */
function abandon<T>(call: ClientReadableStream<T>): void {
  call.on('error', () => undefined);
  call.cancel();
}

function sendFile(
  client: Client,
  { id, path, startByte }: { id: string; path: string; startByte: number },
  signal: AbortSignal | undefined,
): Promise<ObjectRef | undefined> {
  return new Promise((resolve, reject) => {
    const { path: method, requestSerialize, responseDeserialize } = TransferServiceService.writeUpload;
    const stream = client.makeClientStreamRequest<WriteUploadRequest, WriteUploadResponse>(
      method,
      requestSerialize,
      responseDeserialize,
      (error, response) => (error ? reject(fromServiceError(error)) : resolve(response?.upload?.object)),
    );
    const send = async () => {
      let offset = BigInt(startByte);
      const content = createReadStream(path, { start: startByte, highWaterMark: CHUNK_BYTES });
      for await (const data of content as AsyncIterable<Buffer>) {
        throwIfAborted(signal);
        const more = stream.write({ uploadId: id, offsetBytes: offset, data });
        offset += BigInt(data.length);
        if (!more) await new Promise<void>((drained) => stream.once('drain', drained));
      }
      stream.end();
    };
    void send().catch((error: unknown) => {
      stream.cancel();
      reject(SoundstageError.from(error));
    });
  });
}
