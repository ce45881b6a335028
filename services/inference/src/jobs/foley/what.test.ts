import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openPalette, type Palette } from './palette.js';
import { decide, decideByWords, weigh } from './what.js';

const ROOT = new URL('../../../../../', import.meta.url); // of the checkout, from dist/jobs/foley
const labels = { imagenet: [] as string[], coco: [] as string[] };
let palette: Palette;

beforeAll(async () => {
  for (const [key, model] of [
    ['imagenet', 'classifier'],
    ['coco', 'detector'],
  ] as const) {
    labels[key] = JSON.parse(await readFile(new URL(`models/${model}/1/labels.json`, ROOT), 'utf8')) as string[];
  }
  palette = await openPalette(fileURLToPath(new URL('services/inference/palette', ROOT)), labels);
});

/** What a model would say: these labels with these numbers, nothing else. */
function frame(names: readonly string[], said: Record<string, number>): Float32Array {
  const values = new Float32Array(names.length);
  for (const [name, value] of Object.entries(said)) {
    expect(names).toContain(name);
    values[names.indexOf(name)] = value;
  }
  return values;
}

const seen = (said: Record<string, number>): Float32Array => frame(labels.imagenet, said);
const found = (said: Record<string, number>): Float32Array => frame(labels.coco, said);

describe('what the picture shows decides the sound', () => {
  test('a drum is heard as a drum', () => {
    const recognised = weigh(palette.classes, [seen({ drum: 0.7 }), seen({ drum: 0.5 })], []);
    expect(recognised[0]).toMatchObject({ label: 'drum' });
    expect(decide(recognised, palette)).toMatchObject({ chosen: { id: 'drum' }, warnings: [] });
  });

  test('one odd frame of eight decides nothing', () => {
    const frames = Array.from({ length: 8 }, (_, i) => seen(i === 3 ? { rifle: 0.9 } : {}));
    const { chosen, warnings } = decide(weigh(palette.classes, frames, []), palette);
    expect(chosen).toBe(palette.neutral);
    expect(warnings).toEqual([expect.stringContaining('neutral sounds')]);
  });

  test('two witnesses make surer than one', () => {
    const confidence = (...frames: [Float32Array[], Float32Array[]]): number =>
      weigh(palette.classes, ...frames).find(({ label }) => label === 'dog')!.confidence;
    const [byEye, byBox] = [seen({ Beagle: 0.4 }), found({ dog: 0.5 })];
    expect(confidence([byEye], [byBox])).toBeGreaterThan(Math.max(confidence([byEye], []), confidence([], [byBox])));
    expect(confidence([byEye], [byBox])).toBeLessThanOrEqual(1);
  });

  test('relatives count together, but the surest of them sounds', () => {
    const recognised = [
      { label: 'cymbal', confidence: 0.02 },
      { label: 'drum', confidence: 0.12 },
      { label: 'snare', confidence: 0.11 },
    ];
    expect(decide(recognised, palette).chosen.id).toBe('drum');
  });

  test('a bark or a shot needs more than a knock', () => {
    const decided = (label: string, confidence: number): string => decide([{ label, confidence }], palette).chosen.id;
    expect(decided('wood', 0.25)).toBe('wood');
    expect(decided('dog', 0.25)).toBe(palette.neutral.id);
    expect(decided('gunshot', 0.25)).toBe(palette.neutral.id);
    expect(decided('dog', 0.6)).toBe('dog');
  });

  test('a picture of nothing known gives neutral sounds and a warning, and at most three guesses', () => {
    const { chosen, classes, warnings } = decide(weigh(palette.classes, [seen({})], [found({})]), palette);
    expect(chosen).toBe(palette.neutral);
    expect(classes).toEqual([]);
    expect(warnings).toHaveLength(1);
  });

  test('a person alone never makes speech or music: no class of the palette is a voice', () => {
    const { chosen } = decide(weigh(palette.classes, [seen({})], [found({ person: 0.95 })]), palette);
    expect(chosen).toBe(palette.neutral);
    for (const { keywords } of palette.classes) expect(keywords).not.toEqual(expect.arrayContaining(['speech']));
  });
});

describe('words decide the sound', () => {
  test.each([
    ['hammer on wood', 'wood'],
    ['a stick on metal', 'metal'],
    ['Wooden door', 'door'],
    ['rain', 'rain'],
    ['dogs', 'dog'],
    ['  HI-HAT ', 'hi-hat'],
    ['footsteps', 'footstep'],
  ])('"%s" is %s', (words, id) => {
    expect(decideByWords(words, palette)).toMatchObject({ chosen: { id }, classes: [{ label: id, confidence: 1 }] });
  });

  test('every class is found by its own name', () => {
    for (const { id } of palette.classes) expect(decideByWords(id, palette).chosen.id).toBe(id);
  });

  test('a word that is almost known is refused with what is near it', () => {
    expect(() => decideByWords('metalic', palette)).toThrow(
      expect.objectContaining({ reason: 'BAD_INPUT', message: expect.stringMatching(/Near it are: .*metal/) }),
    );
  });

  test('a word that nobody knows is refused with all that there are', () => {
    expect(() => decideByWords('zyzzyx', palette)).toThrow(
      expect.objectContaining({ reason: 'BAD_INPUT', message: expect.stringMatching(/There are: .*wood/) }),
    );
    expect(() => decideByWords('of the', palette)).toThrow(expect.objectContaining({ reason: 'BAD_INPUT' }));
  });
});
