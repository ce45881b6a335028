import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { get as getSecurely } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { hashOfKey } from '@soundstage/core';
import { createTestAuthority, temporaryFolder, until } from '@soundstage/core/testing';
import { startGateway, type Gateway } from '../server.js';
import { createSessions } from './sessions.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let keysFile: string;
let gateway: Gateway;
const nobody = '127.0.0.1:1';

const client = (name: string, key: string, scopes: string[], quotas = {}) => ({
  name,
  scopes,
  quotas,
  keys: [{ sha256: hashOfKey(key).toString('hex') }],
});
const ANN = client('Ann', 'anns', ['write']);
const OTHERS = [client('reader', 'reads', ['read']), client('hasty', 'hurries', ['read'], { callsPerS: 1 })];
const writeKeys = (clients: object[]) => writeFile(keysFile, JSON.stringify({ clients }));
const access = () => ({ SOUNDSTAGE_AUTH: ['keys' as const], SOUNDSTAGE_API_KEYS_FILE: keysFile });

beforeAll(async () => {
  folder = await temporaryFolder();
  keysFile = join(folder.path, 'keys.json');
  await writeKeys([ANN, ...OTHERS]);
  gateway = await startGateway({ port: 0, inferenceAddress: nobody, access: access(), proxies: ['127.0.0.1'] });
});
afterAll(async () => {
  await gateway?.close(500);
  await folder?.remove();
});

const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(`${gateway.url}${path}`, { redirect: 'manual', headers, ...init });
const withKey = (key: string) => ({ authorization: `Bearer ${key}` });
const logIn = (key: string, headers: Record<string, string> = {}) =>
  ask('/login', headers, { method: 'POST', body: new URLSearchParams({ key }) });
const cookieOf = (response: Response) => response.headers.get('set-cookie')!.split(';')[0]!;

describe('A gateway that asks who calls', () => {
  test('shows nothing to strangers but that it is well, and where to log in', async () => {
    expect((await ask('/healthz')).status).toBe(200);
    for (const path of ['/v1/jobs', '/v1/sounds', '/openapi.json', '/assets/x.js', '/nowhere', '/v1/jobs/x/result']) {
      const refused = await ask(path);
      expect({ path, status: refused.status }).toEqual({ path, status: 401 });
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(await refused.json()).toMatchObject({ reason: 'UNAUTHENTICATED' });
    }
    const page = await ask('/');
    expect([page.status, page.headers.get('location')]).toEqual([303, '/login']);
    expect(await (await ask('/login')).text()).toContain('<form method="post" action="/login">');
  });

  test('lets programs in by their key, as far as it goes', async () => {
    expect((await ask('/openapi.json', withKey('reads'))).status).toBe(200);
    expect((await ask('/v1/jobs/x/cancel', withKey('reads'), { method: 'POST' })).status).toBe(403);
    expect((await ask('/v1/jobs/x/cancel', withKey('anns'), { method: 'POST' })).status).toBe(503); // nobody behind it
    expect((await ask('/openapi.json', withKey('guessed'))).status).toBe(401);
  });

  test('slows down who asks too often, and says when to come back', async () => {
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push(await ask('/openapi.json', withKey('hurries')));
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(statuses[2]!.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('Somebody who logs in', () => {
  test('gets a cookie that no script and no other site gets hold of, and the page with a way out', async () => {
    const done = await logIn('anns');
    expect([done.status, done.headers.get('location')]).toEqual([303, '/']);
    expect(done.headers.get('set-cookie')).toMatch(
      /^soundstage=[\w-]+\.[\w-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    expect(done.headers.get('set-cookie')).not.toContain('anns');
    const page = await ask('/', { cookie: cookieOf(done) });
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).toContain('Logged in as Ann');
    expect(html).not.toContain('anns');
    const out = await ask('/logout', { cookie: cookieOf(done) }, { method: 'POST' });
    expect([out.headers.get('set-cookie'), out.headers.get('location')]).toEqual([
      expect.stringContaining('Max-Age=0'),
      '/login',
    ]);
  });

  test('through a proxy that speaks TLS gets one for TLS alone', async () => {
    const done = await logIn('anns', { 'x-forwarded-proto': 'https', 'x-forwarded-for': '10.1.1.1' });
    expect(done.headers.get('set-cookie')).toMatch(/^__Host-soundstage=.*; Path=\/.*; Secure$/);
  });

  test('can’t change the cookie, nor use it when its time is over', async () => {
    const cookie = cookieOf(await logIn('reads'));
    const said = JSON.stringify(['reader', ['admin'], '', Date.now() + 1e9]);
    const [, signature] = cookie.split('.');
    for (const wrong of [
      `soundstage=${Buffer.from(said).toString('base64url')}.${signature}`,
      `${cookie}x`,
      'soundstage=x',
      'soundstage=.',
    ]) {
      expect((await ask('/openapi.json', { cookie: wrong })).status).toBe(401);
    }
    const sessions = createSessions(() => 'token');
    const caller = { name: 'a', scopes: new Set(['read' as const]), quotas: {} };
    const day = sessions.open(caller, false).split(';')[0];
    expect(sessions.read(day, false)).toMatchObject({ name: 'a' });
    expect(() => sessions.read(day, false, Date.now() + 12 * 3600_000 + 1)).toThrow(/over/);
    const short = sessions.open({ ...caller, expiresAtMs: Date.now() + 1000 }, false).split(';')[0];
    expect(() => sessions.read(short, false, Date.now() + 1001)).toThrow(/over/);
    expect(() => createSessions(() => 'another').read(day, false)).toThrow(/over/);
  });

  test('is out when the key is taken away', async () => {
    const cookie = cookieOf(await logIn('anns'));
    expect((await ask('/openapi.json', { cookie })).status).toBe(200);
    await writeKeys(OTHERS);
    await until(async () => (await ask('/openapi.json', { cookie })).status === 401, 5000);
    await writeKeys([ANN, ...OTHERS]);
    await until(async () => (await ask('/openapi.json', { cookie })).status === 200, 5000);
  });

  test('is not logged in by another site, nor acted for by one', async () => {
    expect((await logIn('anns', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await logIn('anns', { origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await logIn('anns', { origin: gateway.url })).status).toBe(303);
  });

  test('with wrong keys has to wait after some; who has a right one is let in meanwhile', async () => {
    const statuses = [];
    for (let i = 0; i < 12; i++) statuses.push((await logIn(`wrong-${i}`, { 'x-forwarded-for': '10.2.2.2' })).status);
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(statuses.at(-1)).toBe(429);
    const told = await logIn('wrong', { 'x-forwarded-for': '10.2.2.2' });
    expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await told.text()).toContain('role="alert"');
    expect((await logIn('anns', { 'x-forwarded-for': '10.2.2.2' })).status).toBe(303);
    expect((await logIn('wrong', { 'x-forwarded-for': '10.3.3.3' })).status).toBe(401);
  });
});

describe('A gateway with a certificate', () => {
  test('speaks TLS alone, and shows the new certificate when it is renewed', async () => {
    const authority = await createTestAuthority(folder.path);
    const tls = { SOUNDSTAGE_TLS_CERT: authority.certFile, SOUNDSTAGE_TLS_KEY: authority.keyFile };
    const secure = await startGateway({ port: 0, inferenceAddress: nobody, access: { ...access(), ...tls } });
    expect(secure.url).toMatch(/^https:/);
    const shown = () =>
      new Promise<{ status: number | undefined; serial: string }>((resolve, reject) => {
        const ca = readFileSync(authority.caFile);
        getSecurely(`${secure.url}/healthz`, { ca, agent: false }, (response) => {
          const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
          response.resume();
          resolve({ status: response.statusCode, serial: serialNumber });
        }).on('error', reject);
      });
    expect((await shown()).status).toBe(200);
    await expect(fetch(`${secure.url.replace('https', 'http')}/healthz`)).rejects.toThrow();
    const serial = await authority.renew();
    await until(async () => (await shown()).serial === serial, 5000);
    await secure.close(500);
  });

  test('that others can reach doesn’t start before it is said who may come in', async () => {
    await expect(
      startGateway({ port: 0, host: '0.0.0.0', inferenceAddress: nobody, access: {} }),
    ).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining('SOUNDSTAGE_AUTH'),
    });
  });
});
