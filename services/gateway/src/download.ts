import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ObjectRef } from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { contentDisposition, extensionOf } from './file-names.js';
import { HttpError } from './problems.js';
import { parseRange } from './range.js';
import type { StoreOrigin } from './store-origin.js';
import { messages, traceMetadata, unary, type Upstream } from './upstream.js';

export interface SendOptions {
  /** File name without its extension. */
  baseName: string;
  /** Saved to disk instead of shown. */
  attachment: boolean;
  /** What the client is told that it is; must be nothing that a browser would run. */
  mediaType: string;
  /** Whether the client is sent to the store for it, where that signs addresses. */
  fromStore: boolean;
  /** After that nobody is to have it any more by this request. */
  until?: Date | undefined;
}

/** So long a browser may remember where in the store a file is; the address there lives longer. */
const REMEMBER_S = 300;
const ADDRESS_S = 3600;

/**
 * Streams an object to an HTTP client at the client's pace, whole or the range it asks for, so that a player can seek
 * (RFC 9110, section 14). Objects never change: their hash is a strong entity tag.
 */
export async function sendObject(
  { upstream, storeOrigin }: { upstream: Upstream; storeOrigin: StoreOrigin },
  object: ObjectRef,
  options: SendOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const size = Number(object.sizeBytes);
  const etag = `"${object.sha256}"`;
  const { mediaType, attachment } = options;
  const fileName = `${options.baseName}${extensionOf(mediaType)}`;
  const leftS = options.until ? Math.ceil((options.until.getTime() - Date.now()) / 1000) : Infinity;
  void reply.headers({
    etag,
    'accept-ranges': 'bytes',
    'cache-control': `private, max-age=${Math.min(3600, leftS)}, immutable`,
    'content-disposition': contentDisposition(attachment ? 'attachment' : 'inline', fileName),
  });
  void reply.type(mediaType);
  if (listsTag(request.headers['if-none-match'], etag)) return reply.code(304).send();

  if (options.fromStore && request.method === 'GET' && (await storeOrigin.ask()) !== '') {
    const { address } = await unary(upstream.transfer.signDownload.bind(upstream.transfer), {
      ...{ key: object.key, fileName, attachment, mediaType },
      lifetimeS: Math.max(1, Math.min(ADDRESS_S, leftS)),
    });
    if (address) {
      for (const name of ['etag', 'accept-ranges', 'content-disposition', 'content-type']) reply.removeHeader(name);
      void reply.header('cache-control', `private, max-age=${Math.min(REMEMBER_S, leftS)}`);
      return reply.redirect(address.url, 302);
    }
  }

  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? parseRange(request.headers.range, size) : undefined;
  if (range === 'unsatisfiable') {
    void reply.header('content-range', `bytes */${size}`);
    throw new HttpError(416, 'BAD_INPUT', `The range is outside of the file’s ${size} bytes.`);
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) void reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
  void reply.header('content-length', end - start + 1);
  // As an empty stream, whose length fastify doesn't put in the place of ours.
  if (request.method === 'HEAD') return reply.send(Readable.from([]));

  const abort = new AbortController();
  reply.raw.once('close', () => abort.abort());
  const content = readObject(upstream, object.key, start, end - start + 1, abort.signal);
  // The first bytes before the headers: what can't be read is told as an error, not as a broken file.
  const first = await content.next();
  async function* all() {
    if (!first.done) yield first.value;
    yield* content;
  }
  return reply.send(Readable.from(all(), { objectMode: false }));
}

/** `length` bytes of an object from `offset`. @throws UNAVAILABLE when they end too early */
async function* readObject(
  { transfer }: Upstream,
  key: string,
  offset: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let missing = length;
  const call = transfer.download({ key, offsetBytes: BigInt(offset) }, traceMetadata());
  for await (const { data } of messages(call, signal)) {
    const wanted = data.subarray(0, missing);
    missing -= wanted.length;
    if (wanted.length > 0) yield wanted;
    if (missing === 0) return;
  }
  if (missing > 0) throw new SoundstageError('UNAVAILABLE', 'The file broke off: load it again.');
}

/** Whether an If-None-Match header names an entity tag. */
export function listsTag(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false;
}
