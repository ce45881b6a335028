import { describe, expect, test } from '@jest/globals';
import type { Palette } from './palette/palette.js';
import { planCues, type Findings } from './plan.js';
import { scenesOf } from './see/scenes.js';
import type { SoundClass } from './palette/sound-class.js';
import type { Decision } from './see/what.js';
import { GRID_RATE_HZ, type Onset, type Timing } from './see/when.js';

function soundClass(id: string, over: Partial<SoundClass> = {}): SoundClass {
  return {
    id,
    label: `a sound of ${id}`,
    kind: 'struck',
    family: id,
    group: 'impact',
    voiced: false,
    keywords: [],
    imagenet: [],
    coco: [],
    together: [],
    fallbackTo: null,
    noise: undefined,
    modal: undefined,
    ...over,
  };
}

const tap = soundClass('tap');
const wood = soundClass('wood');
const dog = soundClass('dog', { voiced: true, group: 'animal' });
const rain = soundClass('rain', { kind: 'continuous' });
const room = soundClass('room-tone', { kind: 'continuous' });
const glass = soundClass('glass', { fallbackTo: 'tap' });
const palette: Palette = {
  classes: [tap, wood, dog, rain, room, glass],
  neutral: tap,
  ambience: room,
  sha256: '',
  soundsOf: ({ id }) => (id === 'glass' ? [] : [{ name: `${id}-1`, licence: 'CC0-1.0' }]),
  load: async () => [],
};

const onset = (timeS: number, strength = 0.5): Onset => ({ timeS, strength, side: -0.25, confidence: 0.7 });
function timing(over: Partial<Timing> = {}): Timing {
  return {
    onsets: [1, 2, 3].map((timeS) => onset(timeS)),
    envelope: new Float32Array(10 * GRID_RATE_HZ).fill(0.5),
    trust: 0.6,
    cutsS: [],
    movesBetween: () => true,
    ...over,
  };
}
const told = (chosen: SoundClass, over: Partial<Decision> = {}): Decision => ({
  chosen,
  classes: [{ label: chosen.id, confidence: 0.8 }],
  sure: true,
  warnings: [],
  ...over,
});
const plan = (over: Partial<Findings>) =>
  planCues(
    {
      name: 'clip.mp4',
      durationS: 10,
      timing: timing(),
      sights: [],
      told: told(wood),
      muted: new Set(),
      seed: 3,
      ...over,
    },
    palette,
  );

describe('the plan of a soundtrack', () => {
  test('has a hit of a struck thing at each onset, with its strength, side and confidence', () => {
    const { sheet, warnings } = plan({});
    expect(sheet.hits).toEqual(
      [1, 2, 3].map((timeS, i) => ({
        id: `h${i + 1}`,
        timeS,
        class: 'wood',
        strength: 0.5,
        pan: -0.25,
        confidence: 0.7,
        muted: false,
      })),
    );
    expect(sheet).toMatchObject({ scene: 'struck', layers: [], timingTrust: 0.6, seed: 3 });
    expect(warnings).toEqual([]);
  });

  test('has a layer of a sound that goes on, louder where more moves, and no hits', () => {
    const envelope = Float32Array.from({ length: 10 * GRID_RATE_HZ }, (_, i) => (i < 5 * GRID_RATE_HZ ? 0 : 1));
    const { sheet } = plan({ told: told(rain), timing: timing({ envelope }) });
    expect(sheet.hits).toEqual([]);
    expect(sheet.scene).toBe('continuous');
    const [layer] = sheet.layers;
    expect(layer).toMatchObject({ class: 'rain', startS: 0, endS: 10 });
    const levelAt = (timeS: number) => layer!.envelope.findLast(([pointS]) => pointS <= timeS)![1];
    expect(levelAt(1)).toBeLessThan(0.1);
    expect(levelAt(9)).toBeGreaterThan(0.9);
  });

  test('has the sound of a place alone where nothing moves, and says so', () => {
    const still = timing({ onsets: [], movesBetween: () => false });
    const { sheet, warnings } = plan({ timing: still });
    expect(sheet).toMatchObject({ scene: 'ambience', hits: [], timingTrust: null });
    expect(sheet.layers.map((layer) => layer.class)).toEqual(['room-tone']);
    expect(warnings.join()).toMatch(/Nothing moves/);
    const unsure = plan({ timing: still, told: told(wood, { sure: false, warnings: ['Neutral sounds were used.'] }) });
    expect(unsure.warnings).toEqual(warnings);
  });

  test('keeps what goes on behind what is struck, softer', () => {
    const { sheet } = plan({ told: told(wood, { also: rain }) });
    expect(sheet.scene).toBe('mixed');
    expect(sheet.layers).toHaveLength(1);
    expect(sheet.layers[0]).toMatchObject({ class: 'rain' });
    expect(sheet.layers[0]!.gainDb).toBeLessThan(-3);
  });

  test('lets no animal call at every movement', () => {
    const onsets = Array.from({ length: 40 }, (_, i) => onset(0.2 * (i + 1), i % 3 === 0 ? 0.9 : 0.2));
    const { sheet } = plan({ told: told(dog), timing: timing({ onsets }) });
    expect(sheet.hits.length).toBeGreaterThan(5);
    sheet.hits.forEach(({ timeS, strength }, i) => {
      expect(strength).toBeGreaterThan(0.4);
      if (i > 0) expect(timeS - sheet.hits[i - 1]!.timeS).toBeGreaterThanOrEqual(0.5);
    });
  });

  test('names the relative that stands in for a class without sounds', () => {
    expect(plan({ told: told(glass) }).sheet.hits[0]!.class).toBe('tap');
  });

  test('warns where the moments are hard to see', () => {
    const { sheet, warnings } = plan({ timing: timing({ trust: 0.1 }) });
    expect(warnings.join()).toMatch(/shows little of when this sounds/);
    expect(sheet.notes).toEqual(warnings);
    expect(plan({ told: told(dog) }).warnings.join()).toMatch(/calls, shots and play on a distant court/);
  });
});

describe('the scenes of a film', () => {
  test('lie between its cuts', () => {
    expect(scenesOf([6, 3], 10)).toEqual([
      { startS: 0, endS: 3 },
      { startS: 3, endS: 6 },
      { startS: 6, endS: 10 },
    ]);
  });

  test('are none of them shorter than a second: a flash is no scene', () => {
    expect(scenesOf([3, 3.2, 9.6], 10)).toEqual([
      { startS: 0, endS: 3 },
      { startS: 3, endS: 10 },
    ]);
    expect(scenesOf([], 0.5)).toEqual([{ startS: 0, endS: 0.5 }]);
  });
});
