import { expect, test } from '@jest/globals';
import { checkSignedResult, signResult } from './signed-results.js';

const SECRET = 'a secret of the test, 32 letters';
const PATH = '/v1/jobs/0123-abc/candidates/2/video';
const now = Date.UTC(2026, 0, 1);
const address = signResult(SECRET, PATH, new Date(now + 60_000));
const check = (given: string, { method = 'GET', secret = SECRET, at = now } = {}) =>
  checkSignedResult(secret, method, given, at).state;

test('A signed address of a result lets in until its time is over', () => {
  expect(checkSignedResult(SECRET, 'GET', address, now)).toEqual({ state: 'valid', expiresAt: new Date(now + 60_000) });
  expect(check(address, { method: 'HEAD' })).toBe('valid');
  expect(check(`${address}&download=1`)).toBe('valid');
  expect(check(address, { at: now + 60_000 })).toBe('expired');
});

test('Nothing about it can be changed', () => {
  for (const forged of [
    address.replace('candidates/2', 'candidates/1'),
    address.replace('0123-abc', '0123-abd'),
    address.replace(/expires=(\d+)/, (_, s: string) => `expires=${Number(s) + 1}`),
    address.replace('expires', 'expires=9999999999&expires'),
    address.replace(/signature=./, 'signature='),
    `${address}&signature=x`,
    address.replace(/signature=.*/, 'signature='),
    address.replace('/video', '/../../../jobs'),
    address.replace('?', '/../cues?'),
  ])
    expect([forged, check(forged)]).toEqual([forged, 'forged']);
  expect(check(address, { secret: 'the secret of another server' })).toBe('forged');
  expect(check(address, { method: 'DELETE' })).toBe('forged');
});

test('It opens results alone, whatever is signed', () => {
  for (const path of [
    '/v1/jobs/a/source',
    '/v1/jobs/a',
    '/v1/jobs',
    '/v1/jobs/a/candidates/1/cues',
    '/v1/jobs/a/cancel',
  ])
    expect(check(signResult(SECRET, path, new Date(now + 60_000)))).toBe('forged');
  expect(check(PATH)).toBe('unsigned');
});
