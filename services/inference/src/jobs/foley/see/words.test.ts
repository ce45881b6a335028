import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openPalette, type Palette } from '../palette/palette.js';
import { GROUPS } from '../palette/sound-class.js';
import { decideByWords, mutedBy } from './words.js';

const ROOT = new URL('../../../../../../', import.meta.url); // of the checkout, from dist/jobs/foley/see
let palette: Palette;

beforeAll(async () => {
  const labelsOf = async (model: string): Promise<string[]> =>
    JSON.parse(await readFile(new URL(`models/${model}/labels.json`, ROOT), 'utf8')) as string[];
  palette = await openPalette(fileURLToPath(new URL('services/inference/palette', ROOT)), {
    imagenet: await labelsOf('classifier/2'),
    coco: await labelsOf('detector/1'),
  });
});

describe('words name a sound', () => {
  test.each([
    ['hammer on wood', 'hammer'],
    ['hammer on metal', 'anvil'],
    ['hammer', 'hammer'],
    ['footsteps on gravel', 'footstep-gravel'],
    ['footsteps on snow', 'footstep-snow'],
    ['footsteps', 'footstep'],
    ['steps in a puddle', 'footstep-puddle'],
    ['walking through leaves', 'footstep-grass'],
    ['a dog barking', 'dog'],
    ['Dogs', 'dog'],
    ['wooden door', 'door'],
    ['knock on a door', 'door-knock'],
    ['stick on metal', 'metal'],
    ['wine glasses', 'glass'],
    ['breaking glass', 'glass-break'],
    ['chopping vegetables', 'chop'],
    ['typing on a keyboard', 'typing'],
    ['tearing paper', 'paper-tear'],
    ['the sea', 'waves'],
    ['heavy rain', 'rain'],
    ['a crackling fire', 'fire'],
    ['bowling', 'bowling'],
    ['basketball', 'ball-bounce'],
    ['tennis', 'racket'],
    ['marimba', 'xylophone'],
    ['acoustic guitar', 'guitar'],
    ['electric guitar', 'electric-guitar'],
    ['congas', 'hand-drum'],
    ['double bass', 'double-bass'],
    ['church bell', 'bell'],
    ['applause', 'crowd'],
    ['a crying baby', 'baby'],
    ['steam train', 'train'],
    ['aeroplane', 'jet'],
    ['gun shot', 'gunshot'],
  ])('%s: %s', (words, id) => {
    expect(decideByWords(words, palette)).toMatchObject({ chosen: { id }, sure: true, warnings: [] });
  });

  test('every class is found by its own name and by each of its keywords on the first try', () => {
    const lost = palette.classes.flatMap(({ id, keywords }) =>
      [id, ...keywords].filter((words) => {
        const { chosen } = decideByWords(words, palette);
        return chosen.id !== id;
      }),
    );
    expect(lost).toEqual([]);
  });

  test('no two classes answer to the same words', () => {
    const owners = new Map<string, string[]>();
    for (const { id, keywords } of palette.classes)
      for (const word of keywords) owners.set(word, [...(owners.get(word) ?? []), id]);
    expect([...owners].filter(([, ids]) => ids.length > 1)).toEqual([]);
  });

  test('words that name nothing are refused with near ones', () => {
    expect(() => decideByWords('violoncellist', palette)).toThrow(/Near it are: .*cello/);
    expect(() => decideByWords('xyzzy', palette)).toThrow(/There are: /);
  });
});

describe('words mute sounds', () => {
  test('a group is muted whole, an instrument or an animal by itself', () => {
    const groupOf = (id: string): string => palette.classes.find((each) => each.id === id)!.group;
    const music = mutedBy(['music'], palette);
    expect(new Set([...music].map(groupOf))).toEqual(new Set(['music']));
    expect(music).toEqual(new Set(palette.classes.filter(({ group }) => group === 'music').map(({ id }) => id)));
    expect(mutedBy(['dog'], palette)).toEqual(new Set(['dog']));
    expect([...mutedBy(['speech'], palette)].sort()).toEqual(['baby', 'crowd', 'laughter']);
    expect([...mutedBy(['drums'], palette)]).toEqual(expect.arrayContaining(['drum', 'snare', 'bass-drum']));
  });

  test('every group has at least one class and can be muted by its name', () => {
    for (const group of GROUPS) expect(mutedBy([group], palette).size).toBeGreaterThan(0);
  });

  test('commas, capitals and spaces do no harm, and nothing mutes nothing', () => {
    expect(mutedBy(['Music, speech ,DOG'], palette)).toEqual(mutedBy(['music', 'speech', 'dog'], palette));
    expect(mutedBy([], palette).size).toBe(0);
    expect(mutedBy(['', ' , '], palette).size).toBe(0);
  });

  test('an unknown word is refused with near ones and the groups', () => {
    expect(() => mutedBy(['musik'], palette)).toThrow(/no sound "musik" to mute.*groups: .*music/s);
    expect(() => mutedBy(['dogg'], palette)).toThrow(/Near it are: .*dog/);
  });

  test('muting all there is is refused', () => {
    expect(() => mutedBy([...GROUPS], palette)).toThrow(/Everything is muted/);
  });
});
