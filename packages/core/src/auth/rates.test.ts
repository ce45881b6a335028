import { describe, expect, test } from '@jest/globals';
import { createRates } from './rates.js';

describe('A caller', () => {
  const caller = (callsPerS: number, callsAtOnce: number) => ({
    name: 'alice',
    scopes: new Set<never>(),
    quotas: { callsPerS, callsAtOnce },
  });

  test('may call so often in a second, twice as often at once, and is told when to come back', () => {
    let nowMs = 0;
    const rates = createRates(() => nowMs);
    const call = () => rates.enter(caller(2, 100));
    for (let i = 0; i < 4; i++) call();
    expect(call).toThrow(expect.objectContaining({ reason: 'QUOTA_EXCEEDED', retryAfterMs: 500 }));
    nowMs += 499;
    expect(call).toThrow();
    nowMs += 1;
    expect(call).not.toThrow();
    expect(call).toThrow();
  });

  test('may have so many calls in flight; one that has ended counts no more, however often that is said', () => {
    const rates = createRates(() => 0);
    const leave = rates.enter(caller(100, 2));
    rates.enter(caller(100, 2));
    expect(() => rates.enter(caller(100, 2))).toThrow(/2 calls in flight/);
    leave();
    leave();
    rates.enter(caller(100, 2));
    expect(() => rates.enter(caller(100, 2))).toThrow(/2 calls in flight/);
  });
});
