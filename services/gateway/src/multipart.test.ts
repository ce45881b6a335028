import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SoundstageError } from '@soundstage/core';
import { readForm, type FormOptions } from './multipart.js';

interface Outcome {
  fields?: Record<string, string>;
  file?: { fileName: string; mediaType: string; sizeBytes: number; content: Buffer } | undefined;
  error?: SoundstageError;
}

const BOUNDARY = '----a-boundary';
const MIB = 2 ** 20;
let server: Server;
let outcome: Promise<Outcome>;
let options: Omit<FormOptions, 'signal'>;

beforeAll(async () => {
  server = createServer((request, response) => {
    const read = readForm(request, { ...options, signal: new AbortController().signal }, async (file) => {
      const blocks: Buffer[] = [];
      for await (const block of file.content) blocks.push(block);
      const { fileName, mediaType, sizeBytes } = file;
      return { fileName, mediaType, sizeBytes, content: Buffer.concat(blocks) };
    });
    received(read.catch((error: unknown) => ({ error: SoundstageError.from(error) })));
    void read.catch(() => undefined).then(() => response.writeHead(200, { connection: 'close' }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

let received: (outcome: Promise<Outcome>) => void;
beforeEach(() => {
  options = { fileLimitBytes: 64 * MIB, idleMs: 2000 };
  outcome = new Promise<Outcome>((resolve) => (received = resolve));
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const field = (name: string, value: string) =>
  Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
const file = (content: Buffer, name = 'clip.mp4', fieldName = 'file') =>
  Buffer.concat([
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${fieldName}"; filename="${name}"\r\nContent-Type: video/mp4\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ]);
const end = Buffer.from(`--${BOUNDARY}--\r\n`);

/** Sends a body as it is; without `contentLength` in chunks. */
function send(
  parts: Buffer[],
  { contentLength = true, finish = true, contentType = `multipart/form-data; boundary=${BOUNDARY}` } = {},
) {
  const body = Buffer.concat(parts);
  const { port } = server.address() as AddressInfo;
  const request = httpRequest({
    port,
    method: 'POST',
    headers: { 'content-type': contentType, ...(contentLength ? { 'content-length': body.length } : {}) },
  });
  request.on('error', () => undefined);
  request.on('response', (response) => response.resume());
  request.write(body);
  if (finish) request.end();
  return request;
}

describe('A form with a video', () => {
  test('is read whichever comes first, the fields or a small file', async () => {
    send([file(Buffer.from('abc'), '망치.mp4'), field('kind', 'foley'), end]);
    const { fields, file: read } = await outcome;
    expect(fields).toEqual({ kind: 'foley' });
    expect(read).toMatchObject({ fileName: '망치.mp4', mediaType: 'video/mp4', sizeBytes: 3 });
    expect(read?.content.toString()).toBe('abc');
  });

  test('may be sent in chunks of unknown total length when the file is small', async () => {
    send([field('kind', 'foley'), file(Buffer.alloc(100_000, 7)), end], { contentLength: false });
    expect((await outcome).file?.sizeBytes).toBe(100_000);
  });

  test('tells the size of a large file by its own length, even with the boundary inside of the file', async () => {
    const content = Buffer.concat([
      randomBytes(9 * MIB),
      Buffer.from(`\r\n--${BOUNDARY.slice(0, -1)}`),
      randomBytes(999),
    ]);
    send([field('kind', 'foley'), field('sound', `--${BOUNDARY} is no delimiter here`), file(content), end]);
    const { file: read } = await outcome;
    expect(read?.sizeBytes).toBe(content.length);
    expect(read?.content.equals(content)).toBe(true);
  });

  test('tells the size of a large file by the field sizeBytes before it', async () => {
    const content = randomBytes(10 * MIB);
    send([field('sizeBytes', String(content.length)), file(content), field('kind', 'foley'), end], {
      contentLength: false,
    });
    const { file: read, fields } = await outcome;
    expect(read?.sizeBytes).toBe(content.length);
    expect(fields?.kind).toBe('foley');
  });

  test('without a way to know a large file’s size is refused with what to do', async () => {
    send([file(randomBytes(9 * MIB)), end], { contentLength: false });
    const { error } = await outcome;
    expect(error).toMatchObject({ reason: 'BAD_INPUT', statusCode: 411 });
    expect(error?.message).toContain('sizeBytes');
  });
});

describe('A form that can’t be used', () => {
  test('names the limit when the file is over it, before its content is read', async () => {
    options.fileLimitBytes = 1.5 * MIB;
    send([field('sizeBytes', String(2 * MIB)), file(Buffer.alloc(0), 'big.mp4')], {
      finish: false,
      contentLength: false,
    });
    const { error } = await outcome;
    expect(error).toMatchObject({ reason: 'BAD_INPUT', statusCode: 413 });
    expect(error?.message).toContain('"big.mp4" is larger than the 1.5 MiB');
  });

  test.each([
    ['two files', [file(Buffer.from('a')), file(Buffer.from('b')), end], 'one file'],
    ['a file in another field', [file(Buffer.from('a'), 'x.mp4', 'video'), end], 'field file'],
    ['a field that is too long', [field('sound', 'x'.repeat(5000)), file(Buffer.from('a')), end], 'too long'],
    ['twenty fields', [...Array.from({ length: 20 }, (_, i) => field(`f${i}`, '')), end], 'many'],
    ['a wrong size', [field('sizeBytes', '-1'), file(Buffer.from('a')), end], 'sizeBytes'],
  ])('is refused for %s', async (_what, parts, words) => {
    send(parts);
    const { error } = await outcome;
    expect(error?.reason).toBe('BAD_INPUT');
    expect(error?.message).toContain(words);
  });

  test('is refused for a missing boundary', async () => {
    send([end], { contentType: 'multipart/form-data' });
    expect((await outcome).error?.reason).toBe('BAD_INPUT');
  });

  test('is refused when it ends in the middle', async () => {
    send([field('kind', 'foley'), file(Buffer.from('abc')).subarray(0, -1)]);
    expect((await outcome).error?.reason).toBe('BAD_INPUT');
  });

  test('is given up when its sender stalls', async () => {
    options.idleMs = 150;
    send([field('kind', 'foley'), file(Buffer.alloc(10))], { finish: false, contentLength: false });
    expect((await outcome).error?.reason).toBe('DEADLINE_EXCEEDED');
  });

  test('is given up when its sender goes away', async () => {
    const request = send([field('kind', 'foley'), file(Buffer.alloc(10))], { finish: false, contentLength: false });
    setTimeout(() => request.destroy(), 50);
    expect((await outcome).error).toBeInstanceOf(SoundstageError);
  });
});
