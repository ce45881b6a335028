import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { SignJWT, UnsecuredJWT } from 'jose';
import { startTestIssuer, type TestIssuer } from '../testing/issuer.js';
import { createOidcVerifier, type OidcVerifier } from './oidc.js';

let issuer: TestIssuer;
let verifier: OidcVerifier;

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  verifier = createOidcVerifier({ issuer: issuer.url, audience: 'soundstage', cooldownMs: 1 });
});

const refusal = (token: string) =>
  verifier.verify(token).then(
    () => 'taken',
    ({ reason, message }: { reason: string; message: string }) => `${reason}: ${message}`,
  );

describe('A token of the issuer', () => {
  test('is taken, with what it says', async () => {
    expect(await verifier.verify(await issuer.token({ sub: 'alice' }))).toMatchObject({ sub: 'alice' });
  });

  test('is refused when it has expired, was made for another service, or by another issuer', async () => {
    expect(await refusal(await issuer.token({ sub: 'a' }, { expiresInS: -60 }))).toMatch(/^UNAUTHENTICATED.*expired/);
    expect(await refusal(await issuer.token({ sub: 'a' }, { audience: 'mail' }))).toMatch(/^UNAUTHENTICATED.*aud/);
    expect(await refusal(await issuer.token({ sub: 'a' }, { issuer: 'https://elsewhere' }))).toMatch(
      /^UNAUTHENTICATED.*iss/,
    );
    expect(await refusal(await issuer.token({}))).toMatch(/^UNAUTHENTICATED.*sub/);
  });

  test('may be a few seconds late, as clocks are', async () => {
    expect(await refusal(await issuer.token({ sub: 'a' }, { expiresInS: -10 }))).toBe('taken');
  });

  test('goes on holding while keys are rotated, and not when its key is gone', async () => {
    const before = await issuer.token({ sub: 'a' });
    expect(await refusal(before)).toBe('taken');
    await issuer.rotate(false);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await refusal(await issuer.token({ sub: 'a' }))).toBe('taken');
    expect(await refusal(before)).toBe('taken');
    await issuer.rotate(true);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await refusal(await issuer.token({ sub: 'a' }))).toBe('taken'); // fetches the keys anew
    expect(await refusal(before)).toMatch(/^UNAUTHENTICATED.*no key/);
  });

  test('names no key: taken where there is one alone, refused where there are two', async () => {
    await issuer.rotate(true);
    expect(await refusal(await issuer.token({ sub: 'a' }, { kid: null }))).toBe('taken');
    await issuer.rotate(false);
    verifier = createOidcVerifier({ issuer: issuer.url, audience: 'soundstage' });
    expect(await refusal(await issuer.token({ sub: 'a' }, { kid: null }))).toMatch(/^UNAUTHENTICATED/);
  });
});

describe('What only looks like a token', () => {
  const claims = () => ({ iss: issuer.url, aud: 'soundstage', sub: 'a', exp: Math.floor(Date.now() / 1000) + 60 });

  test('is refused: unsigned, signed with a shared secret, changed, or no token at all', async () => {
    expect(await refusal(new UnsecuredJWT(claims()).encode())).toMatch(/^UNAUTHENTICATED/);
    const shared = new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'key-1' });
    expect(await refusal(await shared.sign(new TextEncoder().encode('x'.repeat(32))))).toMatch(/^UNAUTHENTICATED/);
    const [head, , signature] = (await issuer.token({ sub: 'a' })).split('.');
    const other = Buffer.from(JSON.stringify({ ...claims(), sub: 'root' })).toString('base64url');
    expect(await refusal(`${head}.${other}.${signature}`)).toMatch(/^UNAUTHENTICATED/);
    expect(await refusal('a.b.c')).toMatch(/^UNAUTHENTICATED/);
  });

  test('doesn’t make the keys be fetched again and again', async () => {
    verifier = createOidcVerifier({ issuer: issuer.url, audience: 'soundstage' });
    await refusal(await issuer.token({ sub: 'a' }));
    const before = issuer.fetches();
    for (let i = 0; i < 20; i++) await refusal(await issuer.token({ sub: 'a' }, { kid: `made-up-${i}` }));
    expect(issuer.fetches() - before).toBeLessThanOrEqual(1);
  });
});

describe('An issuer', () => {
  test('that can’t be asked isn’t taken for a wrong token', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    verifier = createOidcVerifier({ issuer: `http://127.0.0.1:${port}`, audience: 'soundstage' });
    expect(await refusal(await issuer.token({ sub: 'a' }))).toMatch(/^UNAVAILABLE/);
  });

  test('that tells of keys in clear elsewhere, or of another issuer, is not believed', async () => {
    for (const answer of [
      { issuer: issuer.url, jwks_uri: 'http://keys.example/keys' },
      { issuer: 'https://elsewhere.example', jwks_uri: `${issuer.url}/keys` },
    ]) {
      issuer.pretend(answer);
      verifier = createOidcVerifier({ issuer: issuer.url, audience: 'soundstage', cooldownMs: 1 });
      expect(await refusal(await issuer.token({ sub: 'a' }))).toMatch(/^UNAVAILABLE/);
    }
    issuer.pretend(undefined);
  });
});
