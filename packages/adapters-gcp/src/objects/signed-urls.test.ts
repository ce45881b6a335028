import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { openSession, sendToSession, type ResumableTransport, type SignedAddress } from '@soundstage/core';
import { startFaultProxy, type FaultProxy } from '../testing/fault-proxy.js';
import { gcsServer, startGcsServer, type GcsTestServer } from '../testing/gcs-server.js';
import { startSignedFront, type SignedFront } from '../testing/signed-front.js';
import { makeSigningAccount } from '../testing/signing-account.js';
import { bucketCors } from './bucket-cors.js';
import { createGcsObjectStore } from './gcs-object-store.js';
import { createSignedUrls } from './signed-urls.js';

const describeWithServer = gcsServer ? describe : describe.skip;
if (!gcsServer) console.log('7 tests of signed addresses are skipped: ./soundstage test fetches their server');

/** How a browser sends. */
function transportOf({ url, method, headers }: SignedAddress, content: Uint8Array): ResumableTransport {
  return {
    async open() {
      const { status, headers: told } = await fetch(url, { method, headers });
      return { status, location: told.get('location') };
    },
    async put(session, { contentRange, start, end }) {
      const body = Buffer.from(content.subarray(start, end));
      const told = await fetch(session, { method: 'PUT', headers: { 'content-range': contentRange }, body });
      return { status: told.status, range: told.headers.get('range') };
    },
  };
}

test('The documentation sets the CORS rules that were tested', () => {
  const text = readFileSync(new URL('../../../../docs/signed-addresses.md', import.meta.url), 'utf8');
  const shown = JSON.parse(/```json\n(.*?)```/s.exec(text)![1]!) as unknown;
  expect(shown).toEqual(bucketCors(['https://soundstage.example']));
});

describeWithServer('Signed addresses', () => {
  let server: GcsTestServer;
  let line: FaultProxy;
  let front: SignedFront;
  const account = makeSigningAccount();
  const before = { ...process.env };
  beforeAll(async () => {
    server = await startGcsServer();
    line = await startFaultProxy(server.url);
    front = await startSignedFront(line.url, server.bucket, account.publicKey);
    Object.assign(process.env, account.env);
  });
  afterAll(async () => {
    for (const name of Object.keys(account.env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    account.remove();
    await front.close();
    await line.close();
    await server.kill();
  });

  const content = Buffer.from('a clip from a browser');
  const aboutOf = (bytes: Uint8Array) => ({
    sha256: createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    mediaType: 'video/mp4',
  });
  const about = aboutOf(content);
  const urls = (openWithinS?: number) =>
    createSignedUrls({ endpoint: front.url, bucket: server.bucket, ...(openWithinS ? { openWithinS } : {}) });
  const store = () => createGcsObjectStore({ endpoint: front.url, bucket: server.bucket });
  const send = async (address: SignedAddress, bytes: Uint8Array, chunkBytes?: number) => {
    const transport = transportOf(address, bytes);
    const session = await openSession(transport, { pauseMs: 1 });
    if (session === undefined) return 'there already';
    await sendToSession(transport, session, bytes.length, { pauseMs: 1, ...(chunkBytes ? { chunkBytes } : {}) });
    return 'sent';
  };

  test('let a browser store an object that the store then knows, and fetch it whole or in part', async () => {
    const signed = await urls().upload('media/from-browser', about);
    expect(await send(signed, content)).toBe('sent');
    expect(await store().stat('media/from-browser')).toMatchObject(about);
    expect((await buffer(await store().get('media/from-browser'))).equals(content)).toBe(true);
    const options = { fileName: 'Größe 1.mp4', attachment: true, mediaType: 'video/mp4' };
    const { url } = await urls().download('media/from-browser', options);
    const fetched = await fetch(url);
    expect(fetched.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.mp4");
    expect(Buffer.from(await fetched.arrayBuffer()).equals(content)).toBe(true);
    const part = await fetch(url, { headers: { range: 'bytes=2-5' } });
    expect([part.status, await part.text()]).toEqual([206, 'clip']);
  });

  test('hold the browser to size, type and hash, and to a key that is free', async () => {
    const { url, headers, expiresAt } = await urls(60).upload('media/x', about);
    const query = new URL(url).searchParams;
    expect(query.get('X-Goog-Expires')).toBe('60');
    expect(Math.abs(expiresAt.getTime() - Date.now() - 60_000)).toBeLessThan(20_000);
    expect(query.get('X-Goog-SignedHeaders')).toBe(
      'content-type;host;x-goog-content-length-range;x-goog-if-generation-match;x-goog-meta-sha256;x-goog-resumable',
    );
    expect(headers).toMatchObject({ 'x-goog-content-length-range': '21,21', 'x-goog-if-generation-match': '0' });
    const taken = await urls().upload('media/from-browser', about);
    expect(await send(taken, content)).toBe('there already');
    const longer = Buffer.concat([content, content]);
    await expect(send(await urls().upload('media/x', about), longer)).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    expect(await store().stat('media/x')).toBeUndefined();
  });

  test('are refused where anything in them or beside them was changed, and after their time', async () => {
    const signed = await urls().upload('media/y', about);
    const post = (url: string, headers: Record<string, string>) => fetch(url, { method: 'POST', headers });
    expect((await post(signed.url.replace('media/y', 'media/z'), signed.headers)).status).toBe(403);
    expect((await post(signed.url, { ...signed.headers, 'x-goog-meta-sha256': 'f'.repeat(64) })).status).toBe(403);
    expect((await post(signed.url, { ...signed.headers, 'x-goog-meta-more': 'more' })).status).toBe(403);
    const { url } = await urls().download('media/from-browser', { lifetimeS: 1 });
    expect((await fetch(url)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect((await fetch(url)).status).toBe(400);
  });

  test('let an upload that breaks go on where it broke', async () => {
    const large = Buffer.alloc(1_500_000, 'a long clip ');
    let parts = 0;
    line.plan = ({ headers }) => {
      if (!/^bytes \d/.test(headers['content-range'] ?? '')) return undefined;
      return ++parts === 3 ? { kind: 'cut' } : parts === 5 ? { kind: 'lose' } : undefined;
    };
    const signed = await urls().upload('media/long', aboutOf(large));
    front.seen.length = 0;
    expect(await send(signed, large, 256 * 1024)).toBe('sent');
    line.plan = () => undefined;
    // Six parts; the third was sent twice, of the fifth only the answer was lost.
    expect(parts).toBe(7);
    expect((await buffer(await store().get('media/long'))).equals(large)).toBe(true);
  });

  test('give up on a store that is away, and say so', async () => {
    const signed = await urls().upload('media/away', about);
    const transport = transportOf(signed, content);
    const away = { ...transport, open: () => Promise.reject(new Error('no line')) };
    await expect(openSession(away, { pauseMs: 1 })).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    const session = await openSession(transport);
    const cut = { put: () => Promise.reject(new Error('no line')) };
    await expect(sendToSession(cut, session!, content.length, { pauseMs: 1 })).rejects.toMatchObject({
      reason: 'UNAVAILABLE',
    });
  });

  test('don’t let a sender’s word about the hash pass for the truth', async () => {
    const signed = await urls().upload('media/lie', { ...about, sha256: 'a'.repeat(64) });
    await send(signed, content);
    await expect(buffer(await store().get('media/lie'))).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining('as their sender said'),
    });
  });

  test('are refused for what can’t be', async () => {
    await expect(urls().upload('../x', about)).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    await expect(urls().upload('x', { ...about, sha256: 'x' })).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    await expect(urls().upload('x', { ...about, sizeBytes: -1 })).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    await expect(urls(8 * 86_400).upload('x', about)).rejects.toThrow('8');
  });
});
