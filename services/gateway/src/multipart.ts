import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { badInput, SoundstageError } from '@soundstage/core';
import { HttpError } from './problems.js';

/** A file of this size or less is held in memory to learn its size; a larger one must tell it or be the last part. */
const MEASURE_BYTES = 8 * 2 ** 20;
/** What may come before the file's first byte: fields and part headers. */
const PREAMBLE_BYTES = 128 * 1024;

export interface FormFile {
  /** As the client states it: never trusted as a path. */
  fileName: string;
  mediaType: string;
  /** Exact, or what the request's length implies; a content of another size is refused in the end. */
  sizeBytes: number;
  content: AsyncIterable<Buffer>;
}

export interface FormOptions {
  /** Largest file, bytes. */
  fileLimitBytes: number;
  /** How long the client may send nothing while we wait for it. */
  idleMs: number;
  signal: AbortSignal;
}

/**
 * Reads a multipart/form-data request whose one file streams through `store` without touching the disk.
 *
 * The object store must know a file's size beforehand, which a form doesn't tell. It is taken from the field
 * `sizeBytes` where that stands before the file, else from the file itself when it is small, else from the request's
 * Content-Length, which is exact when the file is the last part.
 *
 * @throws BAD_INPUT for a malformed form, 413 for a file over the limit, DEADLINE_EXCEEDED for a client that stalls
 */
export async function readForm<Stored>(
  request: IncomingMessage,
  options: FormOptions,
  store: (file: FormFile) => Promise<Stored>,
): Promise<{ fields: Record<string, string>; file: Stored | undefined }> {
  const fields: Record<string, string> = {};
  const preamble: Buffer[] = [];
  let storing: Promise<Stored> | undefined;

  const parser = createParser(request);
  const finished = new Promise<void>((resolve, reject) => {
    parser.once('finish', resolve);
    parser.once('error', (error: Error) =>
      reject(badInput(`The form can’t be read: ${error.message}.`, 'body', error)),
    );
    parser.once('filesLimit', () => reject(badInput('Send one file a job.', 'file')));
    parser.once('partsLimit', () => reject(badInput('The form has too many parts.', 'body')));
    parser.on('field', (name, value, nameTruncated, valueTruncated) => {
      if (nameTruncated || valueTruncated) reject(badInput(`The field ${name} is too long.`, name));
      else fields[name] = value;
    });
    parser.on('file', (name, stream, rawName, _encoding, mediaType) => {
      const fileName = unescapeName(rawName);
      stream.on('error', reject); // a form that ends in the middle of the file
      if (name !== 'file') {
        stream.resume();
        reject(badInput(`Send the video in the field file, not ${JSON.stringify(name)}.`, name));
        return;
      }
      const implied = impliedSize(request, Buffer.concat(preamble));
      preamble.length = 0;
      storing = (async () => {
        // The parser tells a field a moment after it has told a file that came in the same block.
        await new Promise((resolve) => setImmediate(resolve));
        const measured = await measure(stream, fields.sizeBytes, implied);
        if (measured.sizeBytes > options.fileLimitBytes) throw tooLarge(fileName, options.fileLimitBytes);
        return store({ fileName, mediaType, ...measured });
      })();
      storing.catch(reject);
    });
  });
  const pumped = pump(request, parser, options, (chunk) => {
    if (storing) return;
    preamble.push(chunk);
    // Only the last chunk may hold much of the file.
    if (preamble.reduce((sum, b) => sum + b.length, -chunk.length) > PREAMBLE_BYTES) {
      throw badInput('The fields before the file are too long.', 'body');
    }
  });
  // Both may fail; the first to fail is the one to tell.
  finished.catch(() => undefined);
  pumped.done.catch(() => undefined);
  try {
    await Promise.race([finished, pumped.done.then(() => finished)]);
    return { fields, file: await storing };
  } finally {
    pumped.stop();
  }
}

function createParser(request: IncomingMessage): InstanceType<typeof Busboy> {
  try {
    return new Busboy({
      headers: request.headers as BusboyHeaders,
      limits: {
        fieldNameSize: 64,
        fieldSize: 4096,
        fields: 12,
        files: 1,
        parts: 14,
        headerPairs: 16,
        fileSize: Infinity,
      },
    });
  } catch (error) {
    throw badInput(`The form can’t be read: ${(error as Error).message}.`, 'content-type', error);
  }
}

/**
 * Feeds the parser at its own pace and gives up a client that sends nothing for `idleMs` while we wait for it. After
 * `stop` the rest of the request belongs to somebody else.
 */
function pump(
  request: IncomingMessage,
  parser: InstanceType<typeof Busboy>,
  { idleMs, signal }: FormOptions,
  seen: (chunk: Buffer) => void,
): { done: Promise<void>; stop(): void } {
  const listeners = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const done = new Promise<void>((resolve, reject) => {
    const stalled = () =>
      reject(new SoundstageError('DEADLINE_EXCEEDED', `Nothing came for ${idleMs / 1000} s: send the video again.`));
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(stalled, idleMs);
    };
    const onData = (chunk: Buffer) => {
      wait();
      try {
        seen(chunk);
        if (parser.write(chunk)) return;
      } catch (error) {
        reject(SoundstageError.from(error));
        return;
      }
      // The service is slow now, not the client.
      clearTimeout(timer);
      request.pause();
      parser.once('drain', () => {
        if (listeners.signal.aborted) return;
        wait();
        request.resume();
      });
    };
    const onEnd = () => {
      clearTimeout(timer);
      parser.end();
      resolve();
    };
    const gone = () => reject(new SoundstageError('CANCELLED', 'The client went away.'));
    request.on('data', onData).on('end', onEnd).on('aborted', gone).on('error', gone);
    signal.addEventListener('abort', gone, { once: true });
    listeners.signal.addEventListener('abort', () => {
      request.off('data', onData).off('end', onEnd).off('aborted', gone).off('error', gone);
      signal.removeEventListener('abort', gone);
    });
    wait();
  });
  return {
    done,
    stop() {
      clearTimeout(timer);
      listeners.abort();
    },
  };
}

/**
 * The size of a file that is the last part of the form, from the length of the request.
 *
 * @param preamble the request's first bytes, at least to the end of the file part's header
 */
function impliedSize(request: IncomingMessage, preamble: Buffer): number | undefined {
  const contentLength = Number(request.headers['content-length']);
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(request.headers['content-type'] ?? '');
  if (!Number.isSafeInteger(contentLength) || !boundary) return undefined;
  // Each delimiter stands at the beginning of a line; so that the first does, too, a line end is put before it.
  const delimiter = `\r\n--${boundary[1] ?? boundary[2]}`;
  const lines = Buffer.concat([Buffer.from('\r\n'), preamble]);
  let headerEnd = -4;
  for (let header = ''; !/filename\*?=/i.test(header);) {
    const at = lines.indexOf(delimiter, headerEnd + 4);
    headerEnd = at < 0 ? -1 : lines.indexOf('\r\n\r\n', at);
    if (headerEnd < 0) return undefined;
    header = lines.toString('latin1', at, headerEnd);
  }
  const size = contentLength - (headerEnd + 4 - 2) - `${delimiter}--\r\n`.length;
  return size >= 0 ? size : undefined;
}

async function measure(
  stream: Readable,
  announced: string | undefined,
  implied: number | undefined,
): Promise<{ sizeBytes: number; content: AsyncIterable<Buffer> }> {
  if (announced !== undefined) {
    const sizeBytes = Number(announced);
    if (!/^\d{1,15}$/.test(announced)) throw badInput('sizeBytes must be the file’s size in bytes.', 'sizeBytes');
    return { sizeBytes, content: stream as AsyncIterable<Buffer> };
  }
  const held: Buffer[] = [];
  let heldBytes = 0;
  const rest = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  while (heldBytes <= MEASURE_BYTES) {
    const next = await rest.next();
    if (next.done) return { sizeBytes: heldBytes, content: replay(held) };
    held.push(next.value);
    heldBytes += next.value.length;
  }
  if (implied === undefined) {
    throw new HttpError(
      411,
      'BAD_INPUT',
      'The size of the file must be known: send the field sizeBytes before the file.',
      [{ field: 'sizeBytes', description: 'is missing' }],
    );
  }
  return { sizeBytes: implied, content: replay(held, rest) };
}

async function* replay(held: Buffer[], rest?: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let block = held.shift(); block; block = held.shift()) yield block;
  if (!rest) return;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** Browsers escape these three characters of a file name in a form, and no other (WHATWG HTML, 4.10.21.8). */
function unescapeName(name: string): string {
  return name.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n');
}

export function tooLarge(fileName: string, limitBytes: number): HttpError {
  const message = `${JSON.stringify(fileName)} is larger than the ${formatBytes(limitBytes)} that this server takes: cut or compress it.`;
  return new HttpError(413, 'BAD_INPUT', message, [{ field: 'file', description: message }]);
}

function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${Math.round((bytes / 1024 ** power) * 10) / 10} ${units[power]}`;
}
