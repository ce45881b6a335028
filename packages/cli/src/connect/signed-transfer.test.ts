import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGcsObjectStore, createSignedUrls } from '@soundstage/adapters-gcp';
import {
  gcsServer,
  makeSigningAccount,
  startFaultProxy,
  startGcsServer,
  startSignedFront,
  type FaultProxy,
  type GcsTestServer,
  type SignedFront,
} from '@soundstage/adapters-gcp/testing';
import { createProcessJobRunner, createSqliteQueue } from '@soundstage/adapters-local';
import { fetchObject } from '@soundstage/core';
import { startTestServices, temporaryFolder, type TestServices } from '@soundstage/core/testing';
import { createServiceClient, type ServiceClient } from './client.js';

const describeWithServer = gcsServer ? describe : describe.skip;
if (!gcsServer)
  console.log('4 tests of transfers by signed addresses are skipped: ./soundstage test fetches their server');

describeWithServer('The command line, with a store that signs addresses', () => {
  const account = makeSigningAccount();
  const before = { ...process.env };
  let server: GcsTestServer;
  let line: FaultProxy;
  let front: SignedFront;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let services: TestServices;
  let client: ServiceClient;

  beforeAll(async () => {
    Object.assign(process.env, account.env);
    server = await startGcsServer();
    line = await startFaultProxy(server.url);
    front = await startSignedFront(line.url, server.bucket, account.publicKey);
    folder = await temporaryFolder();
    const gcs = { endpoint: front.url, bucket: server.bucket };
    services = await startTestServices(
      (home) => ({
        queue: createSqliteQueue({ file: join(home, 'queue.sqlite') }),
        store: createGcsObjectStore(gcs),
        signed: createSignedUrls(gcs),
        runner: createProcessJobRunner({ folder: join(home, 'runs') }),
      }),
      [],
      folder.path,
    );
    client = createServiceClient(services.address, {});
  });
  afterEach(() => void (line.plan = () => undefined));
  afterAll(async () => {
    for (const name of Object.keys(account.env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    client.close();
    await services.drain();
    await front.close();
    await line.close();
    await server.kill();
    await folder.remove();
    account.remove();
  });

  function fileOf(content: Buffer, name: string) {
    const path = join(folder.path, name);
    writeFileSync(path, content);
    return { path, sha256: createHash('sha256').update(content).digest('hex'), mediaType: 'video/mp4' };
  }
  const isPart = (headers: Record<string, unknown>) => /^bytes \d/.test(String(headers['content-range']));

  test('sends a file past the service, goes on where the line breaks, and reads it back', async () => {
    const content = randomBytes(18 * 2 ** 20);
    const file = fileOf(content, 'long.mp4');
    let parts = 0;
    line.plan = ({ headers }) => (isPart(headers) && ++parts === 2 ? { kind: 'cut' } : undefined);
    const object = await client.upload(file);
    // Three parts of 8 MiB at most; the second one was sent twice.
    expect(parts).toBe(4);
    expect(object).toMatchObject({ sha256: file.sha256, sizeBytes: BigInt(content.length) });
    expect(await services.platform.store.list('uploads/')).toHaveLength(2);

    let reads = 0;
    line.plan = ({ method, url }) =>
      method === 'GET' && url!.startsWith(`/${server.bucket}/`) && ++reads === 1 ? { kind: 'cut' } : undefined;
    const read = [];
    for await (const block of client.download(object.key)) read.push(block);
    expect([reads, Buffer.concat(read).equals(content)]).toEqual([2, true]);

    // The same bytes again: nothing is sent.
    front.seen.length = 0;
    expect(await client.upload(file)).toEqual(object);
    expect(front.seen).toEqual([]);
  });

  test('finds what a command sent that died before it could say so', async () => {
    const file = fileOf(Buffer.from('sent and forgotten'), 'forgotten.mp4');
    const object = await client.upload(file);
    for (const { key } of await services.platform.store.list('uploads/'))
      if (key.endsWith('object.json')) await services.platform.store.delete(key);
    front.seen.length = 0;
    expect(await client.upload(file)).toEqual(object);
    expect(front.seen).toEqual([]);
  });

  test('sends again what turned out not to be what was said', async () => {
    const { platform } = services;
    const right = Buffer.from('the right bytes');
    const file = fileOf(right, 'changed.mp4');
    writeFileSync(file.path, 'the wrong bytes');
    const object = await client.upload(file);
    const copy = join(folder.path, 'copy');
    // What everybody does who works with an object.
    await expect(fetchObject(platform.store, object, copy)).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    expect(await platform.store.stat(object.key)).toBeUndefined();
    writeFileSync(file.path, right);
    expect(await client.upload(file)).toEqual(object);
    await fetchObject(platform.store, object, copy);
    // Whoever refers to it by another hash says nothing about its bytes.
    const slander = { ...object, sha256: 'f'.repeat(64) };
    await expect(fetchObject(platform.store, slander, copy)).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    expect(await platform.store.stat(object.key)).toBeDefined();
  });

  test('sends to the service where the store can’t be reached from here', async () => {
    const other = createServiceClient(services.address, {});
    const content = Buffer.from('behind a wall');
    const file = fileOf(content, 'walled.mp4');
    const { fetch } = globalThis;
    globalThis.fetch = (input, init) =>
      (input as string).includes('X-Goog-Signature') ? Promise.reject(new Error('no way')) : fetch(input, init);
    const object = await other.upload(file).finally(() => void (globalThis.fetch = fetch));
    other.close();
    expect(object.key).toBe(`media/${file.sha256}`);
  }, 15_000);
});
