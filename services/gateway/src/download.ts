import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ObjectRef } from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { contentDisposition, extensionOf } from './file-names.js';
import { HttpError } from './problems.js';
import { parseRange } from './range.js';
import { messages, traceMetadata, type Upstream } from './upstream.js';

export interface SendOptions {
  /** File name without its extension. */
  baseName: string;
  /** Saved to disk instead of shown. */
  attachment: boolean;
  /** What the client is told that it is; must be nothing that a browser would run. */
  mediaType: string;
}

/**
 * Streams an object to an HTTP client at the client's pace, whole or the range it asks for, so that a player can seek
 * (RFC 9110, section 14). Objects never change: their hash is a strong entity tag.
 */
export async function sendObject(
  upstream: Upstream,
  object: ObjectRef,
  options: SendOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const size = Number(object.sizeBytes);
  const etag = `"${object.sha256}"`;
  const { mediaType } = options;
  void reply.headers({
    etag,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=3600, immutable',
    'content-disposition': contentDisposition(
      options.attachment ? 'attachment' : 'inline',
      `${options.baseName}${extensionOf(mediaType)}`,
    ),
  });
  void reply.type(mediaType);
  if (listsTag(request.headers['if-none-match'], etag)) return reply.code(304).send();

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
