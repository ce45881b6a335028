import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash, createPublicKey, createVerify, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gcsServer, startGcsServer, type GcsTestServer } from '../testing/gcs-server.js';
import { createGcsObjectStore } from './gcs-object-store.js';
import { createSignedUrls } from './signed-urls.js';

const describeWithServer = gcsServer ? describe : describe.skip;
if (!gcsServer) console.log('4 tests of signed addresses are skipped: ./soundstage test fetches their server');

describeWithServer('Signed addresses', () => {
  let server: GcsTestServer;
  let folder: string;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const before = { ...process.env };
  beforeAll(async () => {
    server = await startGcsServer();
    // An account made up for this test: with Workload Identity it is the IAM service that signs.
    folder = mkdtempSync(join(tmpdir(), 'soundstage-account-'));
    const file = join(folder, 'account.json');
    const account = {
      type: 'service_account',
      client_email: 'signer@test.iam.gserviceaccount.com',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    };
    writeFileSync(file, JSON.stringify(account));
    process.env.GOOGLE_APPLICATION_CREDENTIALS = file;
    // Without it Google’s library asks gcloud and the network for the project, which takes seconds.
    process.env.GOOGLE_CLOUD_PROJECT = 'test';
  });
  afterAll(async () => {
    for (const name of ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_PROJECT']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    rmSync(folder, { recursive: true });
    await server.kill();
  });

  const content = Buffer.from('a clip from a browser');
  const about = {
    sha256: createHash('sha256').update(content).digest('hex'),
    sizeBytes: content.length,
    mediaType: 'video/mp4',
  };
  const urls = (expiresS?: number) =>
    createSignedUrls({ endpoint: server.url, bucket: server.bucket, ...(expiresS ? { expiresS } : {}) });

  test('let a browser store an object that the store then knows, and fetch it', async () => {
    const signed = await urls().upload('media/from-browser', about);
    const sent = await fetch(signed.url, { method: signed.method, headers: signed.headers, body: content });
    expect(sent.status).toBe(200);
    const store = createGcsObjectStore({ endpoint: server.url, bucket: server.bucket });
    expect(await store.stat('media/from-browser')).toMatchObject(about);
    expect((await buffer(await store.get('media/from-browser'))).equals(content)).toBe(true);
    const download = await urls().download('media/from-browser', { fileName: 'Größe 1.mp4' });
    expect(new URL(download.url).searchParams.get('response-content-disposition')).toContain('Gr%C3%B6%C3%9Fe%201.mp4');
    const fetched = await fetch(download.url);
    expect(Buffer.from(await fetched.arrayBuffer()).equals(content)).toBe(true);
  });

  test('hold the browser to size, type and hash, and to a key that is free', async () => {
    const { url, headers, expiresAt } = await urls(60).upload('media/x', about);
    const query = new URL(url).searchParams;
    expect(query.get('X-Goog-Expires')).toBe('60');
    expect(Math.abs(expiresAt.getTime() - Date.now() - 60_000)).toBeLessThan(20_000);
    expect(query.get('X-Goog-SignedHeaders')).toBe(
      'content-type;host;x-goog-content-length-range;x-goog-if-generation-match;x-goog-meta-sha256',
    );
    expect(headers).toMatchObject({ 'x-goog-content-length-range': '21,21', 'x-goog-if-generation-match': '0' });
  });

  test('are signed as Google’s documentation describes version 4', async () => {
    const { url, headers } = await urls().upload('media/x', about);
    const { searchParams: query, host, pathname } = new URL(url);
    const signature = Buffer.from(query.get('X-Goog-Signature')!, 'hex');
    query.delete('X-Goog-Signature');
    const encode = (part: string) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const canonicalQuery = [...query]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&');
    const canonicalHeaders = Object.entries({ ...headers, host: host.split(':')[0]! })
      .map(([name, value]) => `${name}:${value}\n`)
      .sort()
      .join('');
    const request = [
      'PUT',
      pathname,
      canonicalQuery,
      canonicalHeaders,
      query.get('X-Goog-SignedHeaders'),
      'UNSIGNED-PAYLOAD',
    ];
    const scope = query.get('X-Goog-Credential')!.split('/').slice(1).join('/');
    const toSign = [
      'GOOG4-RSA-SHA256',
      query.get('X-Goog-Date'),
      scope,
      createHash('sha256').update(request.join('\n')).digest('hex'),
    ].join('\n');
    expect(createVerify('RSA-SHA256').update(toSign).verify(createPublicKey(privateKey), signature)).toBe(true);
  });

  test('are refused for what can’t be', async () => {
    await expect(urls().upload('../x', about)).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    await expect(urls().upload('x', { ...about, sha256: 'x' })).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    await expect(urls().upload('x', { ...about, sizeBytes: -1 })).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    expect(() => urls(8 * 86_400)).toThrow('expiresS');
  });
});
