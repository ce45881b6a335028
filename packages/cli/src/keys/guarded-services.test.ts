import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { createLocalAdapters } from '@soundstage/adapters-local';
import * as contracts from '@soundstage/contracts';
import {
  commonConfig,
  createPlatform,
  hashOfKey,
  hasRule,
  ON_BEHALF_OF,
  readConfig,
  SoundstageError,
  startServices,
  type CreateService,
  type GrpcService,
  type Logger,
  type RunningServices,
} from '@soundstage/core';
import {
  createTestAuthority,
  createTestClient,
  reflectedServices,
  startTestIssuer,
  temporaryFolder,
  until,
  type TestAuthority,
  type TestClient,
  type TestIssuer,
} from '@soundstage/core/testing';
import { Client, credentials, Metadata, type MethodDefinition } from '@grpc/grpc-js';

const { InferenceServiceService, JobServiceService, TrainerLauncherServiceService, TransferServiceService } = contracts;

const client = (name: string, key: string, scopes: string[], more: object = {}) => ({
  name,
  scopes,
  keys: [{ sha256: hashOfKey(key).toString('hex') }],
  ...more,
});
const CLIENTS = [
  client('reader', 'reads', ['read']),
  client('writer', 'writes', ['write'], { quotas: { jobsPerDay: 2, uploadBytesPerDay: 100 } }),
  client('keeper', 'keeps', ['admin']),
  client('gateway', 'passes-on', ['write', 'delegate']),
  client('hasty', 'hurries', ['read'], { quotas: { callsPerS: 1 } }),
  client('late', 'is-over', ['read'], {
    keys: [{ sha256: hashOfKey('is-over').toString('hex'), expires: '2020-01-01T00:00:00Z' }],
  }),
  { name: 'staff', scopes: ['write'], subjects: ['staff@example.org'] },
];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let keysFile: string;
let authority: TestAuthority;
let issuer: TestIssuer;
let services: RunningServices;
const opened: TestClient[] = [];
const audited: Record<string, unknown>[] = [];
const log = {
  child: (bindings: { audit?: boolean }) => ({ info: (line: object) => bindings.audit && audited.push({ ...line }) }),
  ...Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, () => undefined])),
} as unknown as Logger;

/** Services that make jobs of nothing. */
const createFake: CreateService = async ({ jobs }, handlers) => ({
  name: 'fake',
  stages: [],
  grpc: [
    {
      definition: { createFoley: InferenceServiceService.createFoley },
      implementation: {
        createFoley: handlers.unary('CreateFoley', async ({ requestId }: { requestId: string }) => ({
          job: await jobs.create({ kind: 'foley', spec: {}, requestId }),
        })),
      },
    },
    {
      definition: { promoteModel: TrainerLauncherServiceService.promoteModel },
      implementation: { promoteModel: handlers.unary('PromoteModel', async () => ({})) },
    },
  ] as GrpcService[],
});

async function writeKeys(clients: object[]): Promise<void> {
  await writeFile(`${keysFile}.next`, JSON.stringify({ clients }));
  await rename(`${keysFile}.next`, keysFile);
}

beforeAll(async () => {
  folder = await temporaryFolder();
  keysFile = join(folder.path, 'keys.json');
  [authority, issuer] = await Promise.all([createTestAuthority(folder.path), startTestIssuer(), writeKeys(CLIENTS)]);
  const home = join(folder.path, 'home');
  const config = {
    ...readConfig(commonConfig, {}),
    SOUNDSTAGE_HOME: home,
    SOUNDSTAGE_LISTEN: '127.0.0.1:0',
    SOUNDSTAGE_DRAIN_S: 0.1,
    SOUNDSTAGE_AUTH: ['keys', 'oidc'] as ('keys' | 'oidc')[],
    SOUNDSTAGE_API_KEYS_FILE: keysFile,
    SOUNDSTAGE_OIDC_ISSUER: issuer.url,
    SOUNDSTAGE_OIDC_AUDIENCE: 'soundstage',
    SOUNDSTAGE_TLS_CERT: authority.certFile,
    SOUNDSTAGE_TLS_KEY: authority.keyFile,
  };
  services = await startServices(createPlatform(createLocalAdapters(home), config, log), [createFake]);
});

afterAll(async () => {
  for (const each of opened) each.close();
  await services?.drain();
  issuer?.close();
  await folder?.remove();
});

const roots = () => readFileSync(authority.caFile);
function as(token?: string): TestClient {
  const made = createTestClient(services.address, { roots: roots(), ...(token ? { token: () => token } : {}) });
  opened.push(made);
  return made;
}
const outcome = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: unknown) => SoundstageError.from(error).reason,
  );
const look = (who: TestClient) =>
  outcome(who.call(JobServiceService.listJobs, { kind: '', pageSize: 1, pageToken: '' }));
const make = (who: TestClient, requestId: string) =>
  outcome(who.call(InferenceServiceService.createFoley, { requestId, spec: undefined }));
const announce = (who: TestClient, bytes: number) =>
  outcome(
    who.call(TransferServiceService.createUpload, {
      ...contracts.CreateUploadRequest.fromPartial({ fileName: 'a.mp4', sizeBytes: BigInt(bytes) }),
    }),
  );
const promote = (who: TestClient) =>
  outcome(
    who.call(TrainerLauncherServiceService.promoteModel, contracts.PromoteModelRequest.fromPartial({ name: 'm' })),
  );

/** A call with metadata of its own. */
function callFor(token: string, onBehalfOf: string): Promise<string> {
  const plain = new Client(services.address, credentials.createSsl(roots()));
  const { path, requestSerialize, responseDeserialize } = InferenceServiceService.createFoley as MethodDefinition<
    contracts.CreateFoleyRequest,
    contracts.CreateFoleyResponse
  >;
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  metadata.set(ON_BEHALF_OF, onBehalfOf);
  const request = { requestId: `for ${onBehalfOf}`, spec: undefined };
  return new Promise((resolve) => {
    plain.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, (error) => {
      plain.close();
      resolve(
        error
          ? contracts.rpcStatus.Status.decode(error.metadata.get('grpc-status-details-bin')[0] as Buffer).message
          : 'done',
      );
    });
  });
}

describe('Services that ask who calls', () => {
  test('answer nobody whom they don’t know', async () => {
    expect(await look(as())).toBe('UNAUTHENTICATED');
    expect(await look(as('guessed'))).toBe('UNAUTHENTICATED');
    expect(await look(as('is-over'))).toBe('UNAUTHENTICATED');
    expect(await look(as('reads'))).toBe('done');
  });

  test('answer in clear to nobody', async () => {
    const inClear = createTestClient(services.address, { token: () => 'reads' });
    opened.push(inClear);
    expect(await look(inClear)).toBe('UNAVAILABLE');
    await expect(reflectedServices(services.address)).rejects.toThrow();
  });

  test('tell whoever asks that they are well', async () => {
    const plain = new Client(services.address, credentials.createSsl(roots()));
    const health = await new Promise((resolve) =>
      plain.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        () => Buffer.alloc(0),
        (b: Buffer) => b,
        {},
        (error, bytes) => resolve(error ?? [...bytes!]),
      ),
    );
    plain.close();
    expect(health).toEqual([8, 1]); // SERVING
  });

  test('let each do what their scope says, and no more', async () => {
    const [reader, writer, keeper] = [as('reads'), as('writes'), as('keeps')];
    expect(await Promise.all([look(reader), make(reader, 'r'), promote(reader)])).toEqual([
      'done',
      'PERMISSION_DENIED',
      'PERMISSION_DENIED',
    ]);
    expect(await Promise.all([look(writer), promote(writer)])).toEqual(['done', 'PERMISSION_DENIED']);
    expect(await Promise.all([look(keeper), promote(keeper)])).toEqual(['done', 'done']);
  });

  test('know every method: one that was forgotten would be open to admins alone', () => {
    const methods = Object.values(contracts)
      .flatMap((each) => (typeof each === 'object' ? (Object.values(each) as unknown[]) : []))
      .map((method) => (method as { path?: string } | undefined)?.path ?? '')
      .filter((path) => path.startsWith('/soundstage.v1.'));
    expect(methods.length).toBeGreaterThan(30);
    expect(methods.filter((path) => !hasRule(path.split('/')[2]!))).toEqual([]);
  });

  test('take tokens of the issuer: rights by the file, by the token, or none', async () => {
    const staff = await issuer.token({ sub: '77', email: 'staff@example.org', email_verified: true });
    expect(await make(as(staff), 's')).toBe('done');
    const unverified = await issuer.token({ sub: '78', email: 'staff@example.org' });
    expect(await look(as(unverified))).toBe('PERMISSION_DENIED');
    const scoped = as(await issuer.token({ sub: '79', scope: 'mail soundstage:read' }));
    expect([await look(scoped), await make(scoped, 't')]).toEqual(['done', 'PERMISSION_DENIED']);
    expect(await look(as(await issuer.token({ sub: '79' }, { expiresInS: -60 })))).toBe('UNAUTHENTICATED');
    expect(await look(as(await issuer.token({ sub: 'reader;write' })))).toBe('UNAUTHENTICATED');
  });
});

describe('A quota', () => {
  test('of jobs counts new ones, not the same one asked for again', async () => {
    const writer = as('writes');
    expect(await make(writer, 'one')).toBe('done');
    expect(await make(writer, 'one')).toBe('done');
    expect(await make(writer, 'two')).toBe('done');
    await expect(
      writer.call(InferenceServiceService.createFoley, { requestId: 'three', spec: undefined }),
    ).rejects.toMatchObject({
      reason: 'QUOTA_EXCEEDED',
      message: expect.stringContaining('writer has had 2 of 2 jobs'),
    });
  });

  test('of uploads counts the bytes that are announced', async () => {
    const writer = as('writes');
    expect([await announce(writer, 60), await announce(writer, 60), await announce(writer, 40)]).toEqual([
      'done',
      'QUOTA_EXCEEDED',
      'done',
    ]);
  });

  test('of calls says when to come back', async () => {
    const hasty = as('hurries');
    expect([await look(hasty), await look(hasty)]).toEqual(['done', 'done']);
    const refused = await hasty
      .call(JobServiceService.listJobs, { kind: '', pageSize: 1, pageToken: '' })
      .catch((error: SoundstageError) => error);
    expect(refused).toMatchObject({ reason: 'QUOTA_EXCEEDED' });
    expect((refused as SoundstageError).retryAfterMs).toBeGreaterThan(100);
  });
});

describe('A call for somebody else', () => {
  test('is for who may pass it on, and gives no more rights than both have', async () => {
    expect(await callFor('passes-on', 'ann;write')).toBe('done');
    expect(await callFor('passes-on', 'ann;read')).toMatch(/CreateFoley needs the scope write; ann has read/);
    expect(await callFor('passes-on', 'ann;admin')).toMatch(/ann has none/);
    expect(await callFor('writes', 'ann;write')).toMatch(/needs the scope delegate/);
    expect(await callFor('passes-on', 'writer;write')).toMatch(/2 of 2 jobs/);
  });
});

test('What changes something stands in the audit log: who, what, which, how it ended', () => {
  expect(audited).toContainEqual(
    expect.objectContaining({ who: 'writer', what: 'CreateFoley', object: expect.stringMatching(/^f/), outcome: 'OK' }),
  );
  expect(audited).toContainEqual(expect.objectContaining({ who: 'ann', via: 'gateway', outcome: 'OK' }));
  expect(audited).toContainEqual(expect.objectContaining({ who: 'writer', outcome: 'QUOTA_EXCEEDED' }));
  expect(audited).toContainEqual(
    expect.objectContaining({ who: 'reader', what: 'PromoteModel', outcome: 'PERMISSION_DENIED' }),
  );
  expect(audited.filter(({ what }) => what === 'ListJobs')).toEqual([]);
  expect(JSON.stringify(audited)).not.toMatch(/passes-on|"writes"|guessed|eyJ/);
});

describe('While services run', () => {
  test('a key that is taken out of the file holds no more, a new one does; a broken file changes nothing', async () => {
    const reader = as('reads');
    await writeKeys([client('reader', 'renewed', ['read'])]);
    await until(async () => (await look(reader)) === 'UNAUTHENTICATED', 5000);
    expect(await look(as('renewed'))).toBe('done');
    await writeFile(keysFile, '{"clients": [');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await look(as('renewed'))).toBe('done');
  });

  test('their certificate is renewed', async () => {
    const serial = await authority.renew();
    const port = Number(services.address.split(':')[1]);
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ port, host: '127.0.0.1', ca: roots(), ALPNProtocols: ['h2'] }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        }).on('error', reject);
      });
    await until(async () => (await shown()) === serial, 5000);
  });
});
