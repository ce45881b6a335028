import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { CRC32C } from '@google-cloud/storage';
import { createHash, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '@soundstage/core/ports';
import { startFaultProxy, type Fault, type FaultProxy } from '../testing/fault-proxy.js';
import { gcsServer, startGcsServer, type GcsTestServer } from '../testing/gcs-server.js';
import { createCrc32c } from './crc32c.js';
import { createGcsObjectStore } from './gcs-object-store.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const text = (content: string) => Buffer.from(content);
const chunkBytes = 256 * 1024;
/** More than goes in one request: sent in three chunks. */
const large = randomBytes(2.5 * chunkBytes);
const inParts = (bytes: Buffer) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 77_777) }, (_, n) => bytes.subarray(n * 77_777, (n + 1) * 77_777)),
  );

test('The checksum is that of Google’s library and of the published example', () => {
  const example = createCrc32c();
  example.update(text('123456789'));
  expect(Buffer.from(example.base64(), 'base64').toString('hex')).toBe('e3069283');
  const [ours, theirs] = [createCrc32c(), new CRC32C()];
  for (const length of [0, 1, 7, 8, 9, 31, 4096, 100_003]) {
    const bytes = randomBytes(length);
    ours.update(bytes);
    theirs.update(bytes);
    expect(ours.base64()).toBe(theirs.toString());
  }
});

const describeWithServer = gcsServer ? describe : describe.skip;
if (!gcsServer)
  console.log('15 tests of the object store on Cloud Storage are skipped: ./soundstage test fetches its server');

describeWithServer('The object store on Google Cloud Storage', () => {
  let server: GcsTestServer;
  let proxy: FaultProxy;
  let spoolFolder: string;
  let store: ObjectStore;
  /** Over the proxy. */
  let far: ObjectStore;
  beforeAll(async () => {
    server = await startGcsServer();
    proxy = await startFaultProxy(server.url);
    spoolFolder = mkdtempSync(join(tmpdir(), 'soundstage-spool-'));
    store = createGcsObjectStore({ endpoint: server.url, bucket: server.bucket, spoolFolder, chunkBytes });
    far = createGcsObjectStore({ endpoint: proxy.url, bucket: server.bucket, spoolFolder, chunkBytes });
  });
  afterEach(() => {
    proxy.plan = () => undefined;
    proxy.faults = 0;
    expect(readdirSync(spoolFolder)).toEqual([]);
  });
  afterAll(async () => {
    await proxy.close();
    await server.kill();
    rmSync(spoolFolder, { recursive: true });
  });

  const isChunk = ({ headers }: IncomingMessage) => /^bytes \d/.test(headers['content-range'] ?? '');
  const isDownload = ({ url }: IncomingMessage) => url!.includes('alt=media');
  const isUpload = ({ url }: IncomingMessage) => url!.startsWith('/upload/');
  /** The fault befalls the first so many requests of a kind. */
  function first(count: number, which: (request: IncomingMessage) => boolean, fault: Fault) {
    let left = count;
    proxy.plan = (request) => (which(request) && left-- > 0 ? fault : undefined);
  }

  test('sends a large object in chunks, and gives it back whole or in ranges', async () => {
    const put = await store.put('large/one', inParts(large), { mediaType: 'video/mp4' });
    expect(put).toMatchObject({ sizeBytes: large.length, sha256: sha256(large), mediaType: 'video/mp4' });
    expect(await store.stat('large/one')).toEqual(put);
    expect(sha256(await buffer(await store.get('large/one')))).toBe(sha256(large));
    const [start, end] = [100_001, 600_456];
    const range = await buffer(await store.get('large/one', { startByte: start, endByte: end }));
    expect(range.equals(large.subarray(start, end))).toBe(true);
    await expect(store.put('large/one', inParts(large), { ifVersion: 'absent' })).rejects.toMatchObject({
      reason: 'ALREADY_EXISTS',
    });
    // All of it is in memory already: nothing is written to disk on the way.
    await store.put('large/two', large, { ifVersion: 'absent', sha256: sha256(large) });
    // With the sizes that it has by itself.
    const usual = createGcsObjectStore({ endpoint: server.url, bucket: server.bucket, spoolFolder });
    const larger = Buffer.concat(Array.from({ length: 15 }, () => large));
    expect(await usual.put('large/three', inParts(larger))).toMatchObject({ sha256: sha256(larger) });
  });

  test('leaves no object of a large body that breaks off or isn’t what was announced', async () => {
    const broken = async function* () {
      yield large;
      throw new Error('the line broke');
    };
    await expect(store.put('large/broken', broken())).rejects.toThrow('the line broke');
    await expect(store.put('large/broken', inParts(large), { sha256: sha256(text('other')) })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
    });
    await expect(store.put('large/broken', inParts(large), { maxBytes: 300_000 })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
    });
    expect(await store.stat('large/broken')).toBeUndefined();
  });

  test('tries again when the server is overloaded, stumbles or can’t be reached', async () => {
    const faults: Fault[] = [
      { kind: 'answer', status: 429, retryAfterS: 0 },
      { kind: 'answer', status: 503 },
      { kind: 'answer', status: 500 },
      { kind: 'cut' },
    ];
    for (const fault of faults) {
      let left = 1;
      proxy.plan = () => (left-- > 0 ? fault : undefined);
      const { version } = await far.put('retried', text('a'), {
        ifVersion: (await store.stat('retried'))?.version ?? 'absent',
      });
      left = 1;
      expect(await far.stat('retried')).toMatchObject({ version });
      left = 1;
      expect((await buffer(await far.get('retried'))).toString()).toBe('a');
      left = 1;
      expect(await far.list('retried')).toHaveLength(1);
    }
    expect(proxy.faults).toBe(faults.length * 4);
    first(1, () => true, { kind: 'answer', status: 503 });
    await far.delete('retried');
    expect(await store.stat('retried')).toBeUndefined();
  });

  test('gives up after its time with a sentence that says what happened', async () => {
    const hasty = createGcsObjectStore({ endpoint: proxy.url, bucket: server.bucket, retryLimitMs: 500 });
    proxy.plan = () => ({ kind: 'answer', status: 503 });
    await expect(hasty.stat('x')).rejects.toMatchObject({ reason: 'UNAVAILABLE', retryable: true });
    proxy.plan = () => ({ kind: 'answer', status: 429 });
    await expect(hasty.put('x', text('x'))).rejects.toMatchObject({ reason: 'EXHAUSTED', retryable: true });
    proxy.plan = () => ({ kind: 'answer', status: 403 });
    await expect(hasty.list('x')).rejects.toMatchObject({
      reason: 'UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('role'),
    });
    const nowhere = createGcsObjectStore({ endpoint: server.url, bucket: 'no-such-bucket', retryLimitMs: 500 });
    await expect(nowhere.put('x', text('x'))).rejects.toMatchObject({
      message: expect.stringContaining('no-such-bucket'),
    });
  });

  test('ends its tries when it is cancelled', async () => {
    proxy.plan = () => ({ kind: 'answer', status: 503 });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    await expect(far.put('x', text('x'), { signal: abort.signal })).rejects.toMatchObject({ reason: 'CANCELLED' });
  });

  test('knows its own object when the answer to its writing was lost, and another’s when it wasn’t', async () => {
    first(1, isUpload, { kind: 'lose' });
    const made = await far.put('lost/once', text('mine'), { ifVersion: 'absent' });
    expect(await store.stat('lost/once')).toEqual(made);
    first(1, isUpload, { kind: 'lose' });
    const changed = await far.put('lost/once', text('mine again'), { ifVersion: made.version });
    expect(await store.stat('lost/once')).toEqual(changed);
    first(1, isUpload, { kind: 'cut' });
    await expect(far.put('lost/once', text('theirs'), { ifVersion: 'absent' })).rejects.toMatchObject({
      reason: 'ALREADY_EXISTS',
    });
    await expect(far.put('lost/once', text('theirs'), { ifVersion: made.version })).rejects.toMatchObject({
      reason: 'CONFLICT',
    });
  });

  test('loses no change of four writers while every third request fails', async () => {
    const kinds: Fault[] = [{ kind: 'answer', status: 503 }, { kind: 'lose' }, { kind: 'cut' }];
    await store.put('names', text(''));
    let requests = 0;
    proxy.plan = () => (++requests % 3 === 0 ? kinds[(requests / 3) % kinds.length] : undefined);
    await Promise.all(
      ['ann', 'ben', 'cas', 'dot'].map(async (name) => {
        for (;;) {
          const before = await far.stat('names');
          const names = (await buffer(await far.get('names'))).toString();
          // A conflict may be told of a writing whose answer was lost and that another has built on since.
          if (names.includes(name)) return;
          try {
            return await far.put('names', text(`${names}${name} `), { ifVersion: before!.version });
          } catch (thrown) {
            expect(thrown).toMatchObject({ reason: 'CONFLICT' });
          }
        }
      }),
    );
    const names = (await buffer(await store.get('names'))).toString().trim().split(' ');
    expect(names.sort()).toEqual(['ann', 'ben', 'cas', 'dot']);
    expect(proxy.faults).toBeGreaterThan(5);
  });

  test('takes a large upload up where it broke, whether the server had the chunk or not', async () => {
    const faults: Fault[] = [{ kind: 'answer', status: 503 }, { kind: 'lose' }, { kind: 'cut' }];
    for (const [n, fault] of faults.entries()) {
      let chunks = 0;
      let bytes = 0;
      proxy.plan = (request) => {
        if (!isChunk(request)) return undefined;
        chunks++;
        bytes += Number(request.headers['content-length']);
        // The first, the second (a new try or the next one) and the last.
        return chunks === 1 || chunks === 3 || chunks === 5 ? fault : undefined;
      };
      await far.put(`resumed/${n}`, inParts(large), { ifVersion: 'absent' });
      expect(proxy.faults).toBeGreaterThan(n);
      expect(sha256(await buffer(await store.get(`resumed/${n}`)))).toBe(sha256(large));
      // Not begun anew each time: what had come wasn't sent again.
      if (fault.kind === 'lose') expect(bytes).toBe(large.length);
    }
  });

  test('begins a large upload anew when the server has forgotten it', async () => {
    first(1, isChunk, { kind: 'answer', status: 410 });
    await far.put('forgotten', inParts(large));
    expect(sha256(await buffer(await store.get('forgotten')))).toBe(sha256(large));
    proxy.plan = (request) => (isChunk(request) ? { kind: 'answer', status: 410 } : undefined);
    await expect(far.put('forgotten/always', inParts(large))).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  });

  test('goes on reading where the line broke', async () => {
    await store.put('long', large);
    first(3, isDownload, { kind: 'truncate', bytes: 150_000 });
    expect(sha256(await buffer(await far.get('long')))).toBe(sha256(large));
    expect(proxy.faults).toBe(3);
  });

  test('says that an object was replaced rather than mix two, when the line breaks', async () => {
    // More than the line holds by itself.
    await store.put('replaced', Buffer.alloc(6_000_000));
    first(1, isDownload, { kind: 'truncate', bytes: 5_000_000 });
    const reader = await far.get('replaced');
    await store.put('replaced', text('new'));
    await expect(buffer(reader)).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    expect((await buffer(await far.get('replaced'))).toString()).toBe('new');
  });

  test('hangs up on the server when a reader is given up, even before its first byte', async () => {
    // More than the line holds by itself.
    const usual = createGcsObjectStore({ endpoint: server.url, bucket: server.bucket, spoolFolder });
    await usual.put('given-up', Buffer.alloc(16_000_000));
    let open = 0;
    proxy.watch = (change) => (open += change);
    const [unread, begun] = [await far.get('given-up'), await far.get('given-up')];
    begun.once('data', () => begun.destroy());
    unread.destroy();
    for (const endMs = Date.now() + 5000; open > 0 && Date.now() < endMs;) await sleep(20);
    expect(open).toBe(0);
  });

  test('removes what a killed process left on the disk', async () => {
    const gone = spawnSync('true').pid;
    writeFileSync(join(spoolFolder, `upload-${gone}-x`), 'half an upload');
    writeFileSync(join(spoolFolder, `upload-${process.ppid}-x`), 'an upload that is under way');
    createGcsObjectStore({ endpoint: server.url, bucket: server.bucket, spoolFolder });
    for (const endMs = Date.now() + 5000; readdirSync(spoolFolder).length > 1 && Date.now() < endMs;) await sleep(20);
    expect(readdirSync(spoolFolder)).toEqual([`upload-${process.ppid}-x`]);
    rmSync(join(spoolFolder, `upload-${process.ppid}-x`));
  });

  test('tells a reader when the content isn’t what was stored', async () => {
    await store.put('damaged', Buffer.alloc(10_000, 1));
    first(1, isDownload, { kind: 'damage' });
    await expect(far.get('damaged').then(buffer)).rejects.toMatchObject({ reason: 'INTERNAL', retryable: false });
  });

  test('shows nothing that others put into the bucket', async () => {
    await fetch(`${server.url}/upload/storage/v1/b/${server.bucket}/o?uploadType=media&name=theirs/readme.txt`, {
      method: 'POST',
      body: 'not ours',
    });
    await store.put('theirs/zours', text('ours'));
    expect((await store.list('theirs/', { limit: 1 })).map(({ key }) => key)).toEqual(['theirs/zours']);
    expect(await store.stat('theirs/readme.txt')).toBeUndefined();
    await expect(store.get('theirs/readme.txt')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(store.put('theirs/readme.txt', text('x'), { ifVersion: 'absent' })).rejects.toMatchObject({
      reason: 'ALREADY_EXISTS',
    });
  });
});
