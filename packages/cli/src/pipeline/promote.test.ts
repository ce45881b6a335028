import { describe, expect, test } from '@jest/globals';
import { RegisteredModel } from '@soundstage/contracts';
import type { PromoteStep } from './recipe.js';
import { judge } from './steps/promote.js';

const rule = (change: Partial<PromoteStep> = {}): PromoteStep => ({
  model: 'a-model-that-does-not-ship',
  when: 'better',
  metric: 'f1',
  higher_is_better: true,
  ...change,
});
const metrics = (figures: Record<string, number>) => Object.entries(figures).map(([name, value]) => ({ name, value }));
const promoted = (figures: Record<string, number>) =>
  RegisteredModel.fromPartial({ version: '4', metrics: metrics(figures), promoted: true });

describe('A model that was trained', () => {
  test.each([
    ['is the first', rule(), { f1: 0.1 }, undefined, true],
    ['is better than the promoted one', rule(), { f1: 0.5 }, { f1: 0.4 }, true],
    ['is as good as the promoted one', rule(), { f1: 0.4 }, { f1: 0.4 }, false],
    ['has the smaller error', rule({ higher_is_better: false }), { f1: 0.3 }, { f1: 0.4 }, true],
    ['has the larger error', rule({ higher_is_better: false }), { f1: 0.5 }, { f1: 0.4 }, false],
    ['is worse than a plain method', rule({ beats: 'plain' }), { f1: 0.5, plain: 0.6 }, { f1: 0.4 }, false],
    [
      'beats a plain method, where nothing else can be compared',
      rule({ beats: 'plain' }),
      { f1: 0.5, plain: 0.4 },
      {},
      true,
    ],
    ['can be compared with nothing', rule(), { f1: 0.5 }, { other: 1 }, false],
    ['was not measured', rule(), { loss: 0.5 }, undefined, false],
    ['has no number for a figure', rule(), { f1: NaN }, undefined, false],
    ['comes with the rule always', rule({ when: 'always' }), {}, { f1: 1 }, true],
    ['comes with the rule never', rule({ when: 'never' }), { f1: 1 }, undefined, false],
  ])('that %s', async (_what, given, own, before, expected) => {
    const verdict = await judge(given, metrics(own), before && promoted(before));
    expect(verdict.promoted).toBe(expected);
    expect(verdict.why).not.toBe('');
  });

  test('is compared with the model that ships where none is promoted', async () => {
    const verdict = await judge(
      rule({ model: 'onset', metric: 'no such figure' }),
      metrics({ 'no such figure': 1 }),
      undefined,
    );
    expect(verdict).toMatchObject({ promoted: false, why: expect.stringMatching(/which ships, states no/) as unknown });
  });
});
