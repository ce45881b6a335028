import type { ServiceError } from '@grpc/grpc-js';
import type { ObjectRef, WriteUploadRequest, WriteUploadResponse } from '@soundstage/contracts';
import { badInput, SoundstageError } from '@soundstage/core';
import type { FormFile } from './multipart.js';
import { traceMetadata, unary, upstreamError, type Upstream } from './upstream.js';

/** Size of a message to TransferService, whose limit is 1 MiB. */
const CHUNK_BYTES = 512 * 1024;

/**
 * Streams a file into the object store at the store's pace. The same `requestId` goes on where an earlier try broke
 * off: bytes that are stored already are read from the client and not sent again.
 *
 * @throws BAD_INPUT when the content is longer or shorter than `file.sizeBytes`
 */
export async function uploadFile(
  upstream: Upstream,
  file: FormFile,
  { requestId, signal }: { requestId: string; signal: AbortSignal },
): Promise<ObjectRef> {
  const { transfer } = upstream;
  const { upload } = await unary(
    transfer.createUpload.bind(transfer),
    {
      requestId,
      fileName: file.fileName,
      sizeBytes: BigInt(file.sizeBytes),
      mediaType: file.mediaType,
      sha256: '',
      signed: false,
    },
    { signal },
  );
  if (!upload) throw new SoundstageError('INTERNAL', 'CreateUpload gave no upload.');
  if (upload.object) {
    for await (const block of file.content) void block;
    return upload.object;
  }

  const writer = openWriter(upstream, signal);
  let skip = Number(upload.committedBytes);
  let offset = upload.committedBytes;
  let readBytes = 0;
  try {
    for await (const data of inChunks(file.content)) {
      readBytes += data.length;
      if (readBytes > file.sizeBytes) throw wrongSize(file);
      const fresh = data.subarray(Math.min(skip, data.length));
      skip -= data.length - fresh.length;
      if (fresh.length === 0) continue;
      await writer.write({ uploadId: upload.id, offsetBytes: offset, data: fresh });
      offset += BigInt(fresh.length);
    }
    if (readBytes !== file.sizeBytes) throw wrongSize(file);
    // A stream without a message would be refused; an upload whose last part is stored already may have none left.
    if (offset === upload.committedBytes) {
      await writer.write({ uploadId: upload.id, offsetBytes: offset, data: Buffer.alloc(0) });
    }
    const { upload: finished } = await writer.end();
    if (finished?.object) return finished.object;
    throw new SoundstageError('UNAVAILABLE', 'The upload broke off: send the video again.');
  } finally {
    writer.cancel();
  }
}

function wrongSize(file: FormFile): SoundstageError {
  return badInput(
    `The file hasn’t the ${file.sizeBytes} bytes that the request implies: put it last in the form, or send its size in the field sizeBytes before it.`,
    'sizeBytes',
  );
}

/** WriteUpload as a writer that waits when the service is slow and fails as soon as the call does. */
function openWriter({ transfer }: Upstream, signal: AbortSignal) {
  let wake: () => void = () => undefined;
  let failure: SoundstageError | undefined;
  let done!: (response: WriteUploadResponse) => void;
  const response = new Promise<WriteUploadResponse>((resolve) => (done = resolve));
  const failed = new Promise<never>((_, reject) => {
    wake = () => failure && reject(failure);
  });
  failed.catch(() => undefined); // told by write() or end()
  const call = transfer.writeUpload(traceMetadata(), (error: ServiceError | null, answer) => {
    if (!error) return done(answer);
    failure = upstreamError(error);
    wake();
  });
  call.on('error', () => undefined); // the callback tells it
  const cancel = () => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  return {
    async write(message: WriteUploadRequest): Promise<void> {
      if (failure) throw failure;
      if (call.write(message)) return;
      await Promise.race([new Promise<void>((resolve) => call.once('drain', resolve)), failed]);
    },
    async end(): Promise<WriteUploadResponse> {
      call.end();
      return Promise.race([response, failed]);
    },
    /** Harmless after the end. */
    cancel() {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    },
  };
}

/** Joins small blocks and cuts large ones. */
async function* inChunks(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const block of content) {
    held.push(block);
    heldBytes += block.length;
    if (heldBytes < CHUNK_BYTES) continue;
    const joined = Buffer.concat(held);
    const whole = joined.length - (joined.length % CHUNK_BYTES);
    for (let at = 0; at < whole; at += CHUNK_BYTES) yield joined.subarray(at, at + CHUNK_BYTES);
    held = [joined.subarray(whole)];
    heldBytes = joined.length - whole;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
