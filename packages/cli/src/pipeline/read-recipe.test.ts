import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SoundstageError } from '@soundstage/core';
import { parseRecipe, readRecipe, type ReadOptions } from './read-recipe.js';

const read = (text: string, options: ReadOptions = {}) =>
  parseRecipe(text, '/recipes/mine.yaml', { env: {}, cwd: '/here', ...options });

function problemsOf(text: string, options?: ReadOptions): string[] {
  try {
    read(text, options);
  } catch (error) {
    return SoundstageError.from(error)
      .message.split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

const SMALL = 'name: mine\ncollect: { source: clips }\nsplit: { dataset: mine }\n';

describe('A recipe', () => {
  test('needs little: what is not said has a sensible value, and its paths are relative to it', () => {
    const { recipe } = read(SMALL);
    expect(recipe.collect).toMatchObject({ source: '/recipes/clips', limit: 0, label: '' });
    expect(recipe).toMatchObject({ split: { method: 'shares', seed: 1 }, extract: [], train: [], promote: [] });
  });

  test('that is wrong in many ways is told all of them at once, each with its line', () => {
    const problems = problemsOf(`name: my recipe
collect:
  source: clips
  limit: -1
  sauce: tomato
preprocess:
  profile: regnett
split:
  dataset: mine
  train: 0.9
  test: 0.3
extract:
  features: [mel_22k, smell]
train:
  - recipe: onset
    parameters: { epochs: [1, 2] }
    features: [rgb]
promote:
  - model: onset
    when: better
`);
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(
      ['1', '4', '5', '7', '13', '16'].map((line) => `line ${line}`),
    );
    expect(problems).toEqual([
      expect.stringContaining('name must be a name'),
      expect.stringContaining('collect.limit'),
      'line 5: collect.sauce is unknown here',
      expect.stringContaining('preprocess.profile'),
      expect.stringContaining('is no feature'),
      expect.stringContaining('train.0.parameters.epochs'),
    ]);
  });

  test('is told what contradicts itself', () => {
    const problems = problemsOf(`name: mine
collect: { source: clips }
preprocess: { profile: regnet, width: 320 }
split:
  dataset: mine
  train: 0.9
  test: 0.3
extract: [{ features: [rgb] }, { features: [mel_22k, rgb] }]
train:
  - recipe: onset
    features: [flow]
promote:
  - model: onset
`);
    expect(problems).toEqual([
      'line 3: preprocess.width belongs to the profile regnet: leave it out',
      'line 4: split train, validation and test add up to 1.2, not to 1',
      'line 8: extract.1.features rgb is extracted twice',
      'line 11: train.0.features flow is not extracted: name it in `extract`',
      'line 13: promote.0 `when: better` needs the name of a `metric`',
    ]);
  });

  test('that lacks a step, or is no YAML, is told so', () => {
    expect(problemsOf('name: mine\nsplit: { dataset: mine }\n')).toEqual(['line 1: collect is missing']);
    expect(problemsOf('name: mine\ncollect: [1, 2\nsplit: x')[0]).toMatch(/^line [23]: /);
    expect(problemsOf('just words')).toEqual([expect.stringContaining('line 1: a recipe is a mapping')]);
  });
});

describe('A recipe that comes along', () => {
  const folder = new URL('../../../../pipelines/', import.meta.url).pathname;
  test.each(readdirSync(folder))('%s is a good one, and names no machine', async (name) => {
    const { recipe } = await readRecipe(join(folder, name), { set: new Map([['data', '/clips']]) });
    expect(recipe.name).toBe(name.replace('.yaml', ''));
    expect(existsSync(recipe.collect.labels!)).toBe(true);
    expect(recipe.promote.map(({ model }) => model)).toEqual(recipe.train.map((step) => step.recipe));
  });
});

describe('A variable of a recipe', () => {
  const text = `name: mine
variables:
  data: { does: the clips, env: MY_CLIPS }
  labels: { default: labels.csv }
  clips: { default: 0 }
collect: { source: '\${data}', labels: '\${labels}', limit: '\${clips}' }
split: { dataset: 'mine-\${clips}' }
`;

  test('is given on the command line or in the environment; a path from there belongs to the working folder', () => {
    const set = new Map([
      ['data', 'mine'],
      ['clips', '5'],
    ]);
    expect(read(text, { set }).recipe).toMatchObject({
      collect: { source: '/here/mine', labels: '/recipes/labels.csv', limit: 5 },
      split: { dataset: 'mine-5' },
    });
    expect(read(text, { env: { MY_CLIPS: '/clips' } }).recipe.collect).toMatchObject({ source: '/clips', limit: 0 });
  });

  test('without a value, or without a declaration, is a problem', () => {
    expect(problemsOf(text)).toEqual([
      'line 3: variables.data has no value (the clips): give it by --set data=…, or the environment variable MY_CLIPS',
    ]);
    expect(problemsOf(`${SMALL}description: \${nobody}\n`)).toEqual([
      'line 4: description ${nobody} is no variable of the recipe',
    ]);
    expect(problemsOf(SMALL, { set: new Map([['data', 'x']]) })).toEqual([
      'line 1: variables --set data: the recipe has no such variable',
    ]);
  });
});
