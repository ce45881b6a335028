import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openPalette, type Palette } from './palette.js';
import { classified, detected, personOnFoot } from './sights.js';
import { decide, decideByWords, mutedBy, weigh, type Recognised, type Sight } from './what.js';

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
});
