import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MethodDefinition } from '@grpc/grpc-js';
import { TransferServiceService, type ObjectRef, type SignedAddress } from '@soundstage/contracts';
import { openSession, sendToSession, SoundstageError, throwIfAborted } from '@soundstage/core';

/** The service that signs. */
interface Calls {
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal?: AbortSignal,
  ): Promise<Response>;
}

/** So many breaks in a row that bring no byte end a download. */
const BREAKS = 8;
/** An answer that doesn't begin counts as a broken line. */
const STALL_MS = 60_000;

/**
 * Sends a file straight to the object store, in parts, and goes on where the line breaks.
 *
 * @returns undefined where the store can't be reached from here: send it to the service
 * @throws BAD_INPUT when the store refuses it; UNAVAILABLE when it breaks off for good
 */
export async function sendSigned(
  service: Calls,
  { uploadId, address }: { uploadId: string; address: SignedAddress },
  file: { path: string; sizeBytes: number },
  signal?: AbortSignal,
): Promise<ObjectRef | undefined> {
  const headers = Object.fromEntries(address.headers.map(({ name, value }) => [name, value]));
  const content = await open(file.path);
  const limit = () => AbortSignal.any([AbortSignal.timeout(10 * STALL_MS), ...(signal ? [signal] : [])]);
  try {
    const session = await openSession(
      {
        async open() {
          const answer = await fetch(address.url, { method: address.method, headers, signal: limit() });
          await answer.body?.cancel();
          return { status: answer.status, location: answer.headers.get('location') };
        },
      },
      { signal },
    ).catch((error: unknown) => {
      if (SoundstageError.from(error).reason === 'UNAVAILABLE') return null;
      throw error;
    });
    if (session === null) return undefined;
    const put = async (
      at: string,
      { contentRange, start, end }: { contentRange: string; start: number; end: number },
    ) => {
      const body = Buffer.alloc(end - start);
      const { bytesRead } = await content.read(body, 0, body.length, start);
      if (bytesRead < body.length)
        throw new SoundstageError('BAD_INPUT', `${file.path} became shorter while it was sent.`);
      const request = { method: 'PUT', headers: { 'content-range': contentRange }, body, redirect: 'manual' } as const;
      const answer = await fetch(at, { ...request, signal: limit() });
      await answer.body?.cancel();
      return { status: answer.status, range: answer.headers.get('range') };
    };
    if (session !== undefined) await sendToSession({ put }, session, file.sizeBytes, { signal });
  } finally {
    await content.close();
  }
  const { upload } = await service.call(TransferServiceService.finishUpload, { uploadId }, signal);
  if (upload?.object) return upload.object;
  throw new SoundstageError('INTERNAL', 'FinishUpload gave no object.');
}

/**
 * Reads an object straight from the object store; where the line breaks it goes on with a new address.
 *
 * @returns undefined where the store signs no address
 * @throws (from the stream) UNAVAILABLE when it breaks off for good
 */
export async function readSigned(
  service: Calls,
  key: string,
  signal?: AbortSignal,
): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const request = { key, fileName: '', attachment: false, mediaType: '', lifetimeS: 0 };
  const sign = async () => (await service.call(TransferServiceService.signDownload, request, signal)).address;
  const first = await sign();
  if (!first) return undefined;

  async function* read(): AsyncGenerator<Uint8Array> {
    let address: SignedAddress | undefined = first;
    let at = 0;
    for (let breaks = 0; ;) {
      try {
        const headers: Record<string, string> = at > 0 ? { range: `bytes=${at}-` } : {};
        const answer = await fetch(address!.url, { headers, ...(signal ? { signal } : {}) });
        if (answer.status === 416) return;
        if (answer.status !== (at > 0 ? 206 : 200)) throw new Error(`the store answered with ${answer.status}`);
        for await (const block of answer.body as unknown as AsyncIterable<Uint8Array>) {
          at += block.length;
          breaks = 0;
          yield block;
        }
        return;
      } catch (cause) {
        throwIfAborted(signal);
        if (++breaks >= BREAKS) {
          throw new SoundstageError('UNAVAILABLE', `The line to the store broke while ${key} was read: try again.`, {
            cause,
          });
        }
        await sleep(Math.min(100 * 2 ** breaks, 5000), undefined, signal ? { signal } : {});
        address = (await sign()) ?? address;
      }
    }
  }
  return read();
}
