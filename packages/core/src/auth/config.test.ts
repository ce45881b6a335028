import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.js';
import { authConfig, isLoopback, readServerSecurity } from './config.js';

const read = (env: Record<string, string>, address: string) => readServerSecurity(readConfig(authConfig, env), address);

describe('A server', () => {
  test('asks nobody who they are where only this machine can call', () => {
    for (const address of ['127.0.0.1:7400', 'localhost:0', '[::1]:7400', '::1', '127.1.2.3', 'unix:/run/x']) {
      expect(isLoopback(address)).toBe(true);
      expect(read({}, address).auth).toBeUndefined();
    }
  });

  test('doesn’t start where others can call before it is said who may', () => {
    for (const address of [
      '0.0.0.0:7400',
      '[::]:7400',
      '10.0.0.1',
      '::',
      'stage.example:7400',
      '127.0.0.1.example:1',
    ]) {
      expect(() => read({}, address)).toThrow(/SOUNDSTAGE_AUTH: others can reach .*: set it to keys/);
      expect(read({ SOUNDSTAGE_AUTH: 'off' }, address).auth).toBeUndefined();
    }
  });

  test('names everything that is missing at once', () => {
    expect(() => read({ SOUNDSTAGE_AUTH: 'keys,oidc', SOUNDSTAGE_TLS_CERT: 'x' }, '0.0.0.0:1')).toThrow(
      /SOUNDSTAGE_TLS_KEY.*SOUNDSTAGE_API_KEYS_FILE.*SOUNDSTAGE_OIDC_ISSUER.*SOUNDSTAGE_OIDC_AUDIENCE/,
    );
    expect(() => read({ SOUNDSTAGE_AUTH: 'key' }, '127.0.0.1:1')).toThrow(/must be off, keys, oidc/);
    expect(() => read({ SOUNDSTAGE_AUTH: 'off,keys' }, '127.0.0.1:1')).toThrow(/must be off, keys, oidc/);
    const issuer = { SOUNDSTAGE_OIDC_ISSUER: 'http://issuer.example', SOUNDSTAGE_OIDC_AUDIENCE: 'x' };
    expect(() => read({ SOUNDSTAGE_AUTH: 'oidc', ...issuer }, '127.0.0.1:1')).toThrow(/must be an https address/);
  });
});
