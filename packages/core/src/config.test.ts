import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { commonConfig, integer, readConfig } from './config.js';
import { SoundstageError } from './errors.js';

describe('configuration', () => {
  test('has a sensible default for everything', () => {
    const config = readConfig(commonConfig, {});
    expect(config.SOUNDSTAGE_LISTEN).toBe('127.0.0.1:7400');
    expect(config.SOUNDSTAGE_CONCURRENCY).toBe(1);
  });

  test('fails with every problem at once, each by the name of its variable', () => {
    const env = { SOUNDSTAGE_CONCURRENCY: 'many', SOUNDSTAGE_LOG_LEVEL: 'loud', SOUNDSTAGE_DRAIN_S: '-1' };
    let thrown: unknown;
    try {
      readConfig(commonConfig, env);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SoundstageError);
    const { reason, message, violations } = thrown as SoundstageError;
    expect(reason).toBe('BAD_INPUT');
    expect(violations.map((v) => v.field).sort()).toEqual(Object.keys(env).sort());
    for (const name of Object.keys(env)) expect(message).toContain(name);
  });

  test('takes an empty variable for one that is not set', () => {
    expect(readConfig({ PORT: integer(0, 65535).default(7) }, { PORT: '' }).PORT).toBe(7);
    expect(() => readConfig({ NEEDED: z.string() }, { NEEDED: '' })).toThrow('NEEDED');
  });
});
