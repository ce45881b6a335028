import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openPalette, type Palette } from '../palette/palette.js';
import { classified, detected, personOnFoot } from './sights.js';
import { decide, weigh, type Recognised, type Sight } from './what.js';

const ROOT = new URL('../../../../../../', import.meta.url); // of the checkout, from dist/jobs/foley/see
const labels = { imagenet: [] as string[], coco: [] as string[] };
let palette: Palette;

beforeAll(async () => {
  for (const [key, model] of [
    ['imagenet', 'classifier/2'],
    ['coco', 'detector/1'],
  ] as const) {
    labels[key] = JSON.parse(await readFile(new URL(`models/${model}/labels.json`, ROOT), 'utf8')) as string[];
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

const seen = (said: Record<string, number>, timeS = 0): Sight => ({
  timeS,
  by: 'classifier',
  evidence: classified(palette.classes, frame(labels.imagenet, said)),
});
const found = (said: Record<string, number>, timeS = 0): Sight => ({
  timeS,
  by: 'detector',
  evidence: detected(palette.classes, frame(labels.coco, said)),
});
const recognise = (...sights: Sight[]): Recognised[] => weigh(palette.classes, sights);
const confidenceOf = (id: string, recognised: readonly Recognised[]): number =>
  recognised.find(({ label }) => label === id)!.confidence;

describe('what the picture shows decides the sound', () => {
  test('a drum is heard as a drum', () => {
    const recognised = recognise(seen({ drum: 0.7 }), seen({ drum: 0.5 }));
    expect(recognised[0]).toMatchObject({ label: 'drum' });
    expect(decide(recognised, palette)).toMatchObject({ chosen: { id: 'drum' }, sure: true, warnings: [] });
  });

  test('one odd frame of eight decides nothing', () => {
    const frames = Array.from({ length: 8 }, (_, i) => seen(i === 3 ? { rifle: 0.9 } : {}));
    const { chosen, sure, warnings } = decide(recognise(...frames), palette);
    expect(chosen).toBe(palette.neutral);
    expect(sure).toBe(false);
    expect(warnings).toEqual([expect.stringContaining('neutral sounds')]);
  });

  test('a cause that is hidden in half of the frames is still recognised', () => {
    const frames = Array.from({ length: 8 }, (_, i) => seen(i % 2 === 0 ? { harp: 0.8 } : { 'front curtain': 0.6 }));
    expect(decide(recognise(...frames), palette).chosen.id).toBe('harp');
  });

  test('two witnesses make surer than one', () => {
    const confidence = (...sights: Sight[]): number => confidenceOf('dog', recognise(...sights));
    const [byEye, byBox] = [seen({ Beagle: 0.4 }), found({ dog: 0.5 })];
    expect(confidence(byEye, byBox)).toBeGreaterThan(Math.max(confidence(byEye), confidence(byBox)));
    expect(confidence(byEye, byBox)).toBeLessThanOrEqual(1);
  });

  test('what says little in every frame is not made more of than any picture gives by chance', () => {
    const anything = Object.fromEntries(labels.imagenet.map((name) => [name, 0.001]));
    expect(Math.max(...recognise(seen(anything)).map(({ confidence }) => confidence))).toBeLessThan(0.02);
  });

  test('any part of the frames can be weighed by itself', () => {
    const sights = [seen({ harp: 0.9 }, 1), seen({ harp: 0.9 }, 2), seen({ 'grand piano': 0.9 }, 8)];
    const chosenIn = (from: number, to: number): string =>
      decide(recognise(...sights.filter(({ timeS }) => timeS >= from && timeS < to)), palette).chosen.id;
    expect([chosenIn(0, 5), chosenIn(5, 10)]).toEqual(['harp', 'piano']);
  });

  test('a knife beside a carrot chops; a racket beside a person hits a ball; a keyboard is typed on', () => {
    const best = (said: Record<string, number>): string => recognise(found(said))[0]!.label;
    expect(best({ knife: 0.6, carrot: 0.6, person: 0.9 })).toBe('chop');
    expect(best({ 'tennis racket': 0.6, person: 0.9 })).toBe('racket');
    expect(best({ keyboard: 0.6, person: 0.9, cup: 0.4 })).toBe('typing');
    expect(confidenceOf('chop', recognise(found({ knife: 0.6, carrot: 0.6 })))).toBeGreaterThan(
      confidenceOf('chop', recognise(found({ knife: 0.6 }))),
    );
  });

  test('a person whose feet are in the picture may be heard to step, one who is cut off or seated not', () => {
    const score = Float32Array.of(0.9);
    const stepsOf = (...box: number[]): number => personOnFoot(score, Float32Array.from(box), 1, 0);
    expect(stepsOf(0.4, 0.2, 0.55, 0.9)).toBeCloseTo(0.9);
    expect(stepsOf(0.4, 0.4, 0.55, 1)).toBe(0);
    expect(stepsOf(0.2, 0.4, 0.7, 0.9)).toBe(0);
    expect(stepsOf(0.5, 0.5, 0.51, 0.55)).toBe(0);
    expect(personOnFoot(Float32Array.of(0.2), Float32Array.of(0.4, 0.2, 0.55, 0.9), 1, 0)).toBe(0);
  });
});

describe('deciding what sounds', () => {
  const decided = (label: string, confidence: number, muted?: ReadonlySet<string>): string =>
    decide([{ label, confidence }], palette, { muted }).chosen.id;

  test('a bark, a shot or a cry needs more than a knock', () => {
    expect(decided('glass', 0.3)).toBe('glass');
    for (const startling of ['dog', 'gunshot', 'baby', 'siren']) {
      expect(decided(startling, 0.3)).toBe(palette.neutral.id);
      expect(decided(startling, 0.6)).toBe(startling);
    }
  });

  test('where nothing is sure, a knock of the likeliest material is heard, and it says so', () => {
    const { chosen, sure, warnings, classes } = decide(
      [
        { label: 'gunshot', confidence: 0.22 },
        { label: 'stone', confidence: 0.12 },
      ],
      palette,
    );
    expect(chosen.id).toBe('stone');
    expect(sure).toBe(false);
    expect(warnings).toEqual([expect.stringContaining('gunshot, 22 %')]);
    expect(classes.map(({ label }) => label)).toEqual(['gunshot', 'stone']);
  });

  test('where there is no hint at all, the sound fits any material', () => {
    const decision = decide([], palette);
    expect(decision).toMatchObject({ chosen: palette.neutral, classes: [], sure: false });
    expect(decision.warnings).toHaveLength(1);
  });

  test('the sea goes on behind a dog, a tune or a crowd never does', () => {
    const behind = (label: string): string | undefined =>
      decide(
        [
          { label: 'dog', confidence: 0.9 },
          { label, confidence: 0.8 },
        ],
        palette,
      ).also?.id;
    expect(behind('waves')).toBe('waves');
    expect(behind('violin')).toBeUndefined();
    expect(behind('crowd')).toBeUndefined();
    expect(behind('cat')).toBeUndefined(); // it calls, it doesn't go on
  });

  test('three classes at most are named, and none that says next to nothing', () => {
    const many = ['wood', 'metal', 'glass', 'stone'].map((label, i) => ({ label, confidence: 0.5 - 0.1 * i }));
    expect(decide(many, palette).classes).toHaveLength(3);
    expect(decide([{ label: 'wood', confidence: 0.01 }], palette).classes).toEqual([]);
  });

  test('what is muted is never chosen, and never goes on besides', () => {
    const ids = palette.classes.map(({ id }) => id);
    const guess = fc.record({ label: fc.constantFrom(...ids), confidence: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(
        fc.uniqueArray(guess, { selector: ({ label }) => label, maxLength: 12 }),
        fc.subarray(ids, { maxLength: ids.length - 1 }),
        (guesses, muted) => {
          const recognised = [...guesses].sort((a, b) => b.confidence - a.confidence);
          const { chosen, also, classes } = decide(recognised, palette, { muted: new Set(muted) });
          const heard = [chosen.id, ...(also === undefined ? [] : [also.id]), ...classes.map(({ label }) => label)];
          expect(heard.filter((id) => muted.includes(id))).toEqual([]);
        },
      ),
    );
  });

  test('a voice or a tune is never heard without evidence for it', () => {
    const ids = palette.classes.map(({ id }) => id);
    const guess = fc.record({
      label: fc.constantFrom(...ids),
      confidence: fc.double({ min: 0, max: 0.29, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(guess, { selector: ({ label }) => label, maxLength: 20 }), (guesses) => {
        const recognised = [...guesses].sort((a, b) => b.confidence - a.confidence);
        expect(['speech', 'music']).not.toContain(decide(recognised, palette).chosen.group);
      }),
    );
  });

  test('where everything is muted it says so', () => {
    const all = new Set(palette.classes.map(({ id }) => id));
    expect(() => decide([], palette, { muted: all })).toThrow(/Everything is muted/);
  });
});

describe('the classes', () => {
  test('are more than a hundred, and all of those that film makers ask for first are among them', () => {
    const ids = palette.classes.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(100);
    const wanted =
      'wood metal glass ceramic plastic stone thud chop hammer anvil footstep footstep-wood footstep-gravel footstep-grass footstep-snow footstep-puddle dog cat rooster chicken crow frog lion sheep cow hoof baby rain thunder waterfall stream splash bubbles wind fire waves door gunshot explosion fireworks bowling ball-bounce racket typing paper-tear drum bass-drum snare cymbal hand-drum xylophone guitar harp piano cello violin double-bass trumpet flute saxophone train engine motorbike jet helicopter chainsaw siren bell clock telephone crowd';
    expect(wanted.split(' ').filter((id) => !ids.includes(id))).toEqual([]);
  });

  test('water, wind, bowed and blown instruments go on; blows, plucked strings and calls are struck', () => {
    const kindOf = (id: string): string => palette.classes.find((each) => each.id === id)!.kind;
    for (const id of ['waves', 'rain', 'wind', 'violin', 'cello', 'trumpet', 'flute', 'saxophone', 'engine'])
      expect([id, kindOf(id)]).toEqual([id, 'continuous']);
    for (const id of ['wood', 'xylophone', 'guitar', 'harp', 'piano', 'drum', 'dog', 'baby', 'splash'])
      expect([id, kindOf(id)]).toEqual([id, 'struck']);
  });

  test('all that live and call are voiced, and nothing else is', () => {
    const voiced = palette.classes.filter((each) => each.voiced);
    expect(new Set(voiced.map(({ group }) => group))).toEqual(new Set(['animal', 'speech']));
    expect(voiced.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['dog', 'rooster', 'crow', 'cat', 'sheep', 'baby']),
    );
    expect(voiced.every(({ kind }) => kind === 'struck')).toBe(true);
  });

  test('every class can be heard by itself', () => {
    expect(palette.classes.filter((each) => palette.soundsOf(each).length === 0).map(({ id }) => id)).toEqual([]);
  });
});
