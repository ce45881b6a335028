import { describe, expect, test } from '@jest/globals';
import type { CueSheet, HitCue, LayerCue } from '@soundstage/cues';
import { SYNTHESIS, type Palette, type Recording } from '../palette/palette.js';
import { seededRandom } from './random.js';
import type { SoundClass } from '../palette/sound-class.js';
import { chooseSounds, ofOneThing, soundPlan, soundsUsed } from './sound.js';

const names = { wood: ['knock-1', 'knock-2', 'knock-3'], bell: ['ring-1'], rain: ['rain-1', 'rain-2'] };
const classes = (['wood', 'bell', 'rain', 'glass'] as const).map((id) => ({
  id,
  kind: id === 'rain' ? 'continuous' : 'struck',
  modal: id === 'glass' ? { contactMs: 0.2, bodies: [{ material: 'glass', fundamentalHz: [900, 1000] }] } : undefined,
})) as unknown as SoundClass[];
const recording = (name: string): Recording => ({ name, licence: 'CC0-1.0', pcm: new Float32Array(20), onsetFrame: 2 });
const namesOf = ({ id }: SoundClass): string[] => names[id as keyof typeof names] ?? [];
const palette = {
  classes,
  soundsOf: (each: SoundClass) =>
    each.id === 'glass' ? [SYNTHESIS] : namesOf(each).map((name) => ({ name, licence: 'CC0-1.0' })),
  load: async (each: SoundClass) => namesOf(each).map(recording),
} as unknown as Palette;

const hits = (count: number, over: Partial<HitCue> = {}): HitCue[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `h${i}`,
    timeS: i * 0.3,
    class: 'wood',
    strength: i % 2 === 0 ? 1 : 0.3,
    pan: 0,
    confidence: 1,
    muted: false,
    ...over,
  }));
const sheet = (over: Partial<CueSheet> = {}): CueSheet => ({
  format: 'soundstage-cues',
  version: 1,
  video: { name: 'clip', durationS: 20 },
  scene: 'struck',
  classes: [],
  timingTrust: null,
  seed: 1,
  hits: hits(40),
  layers: [],
  notes: [],
  ...over,
});
const rain: LayerCue = {
  id: 'l1',
  class: 'rain',
  startS: 5,
  endS: 10,
  gainDb: -3,
  pan: 0,
  confidence: 1,
  muted: false,
  envelope: [
    [5, 0],
    [10, 1],
  ],
};
const chosen = (over?: Partial<CueSheet>): CueSheet => chooseSounds(sheet(over), palette);

describe('the sounds of a cue sheet', () => {
  test('are chosen so that no two hits in a row take the same recording', () => {
    const sounds = chosen().hits.map(({ sound }) => sound);
    expect(sounds.some((name, i) => name === sounds[i - 1])).toBe(false);
    expect(new Set(sounds).size).toBe(3);
  });

  test('are left as a person chose them', () => {
    const own = hits(5, { sound: 'knock-2' });
    expect(chosen({ hits: own }).hits).toEqual(own);
  });

  test('are the same for the same seed, others for another', () => {
    const of = (seed: number) => JSON.stringify(chosen({ seed, layers: [rain] }));
    expect(of(7)).toBe(of(7));
    expect(new Set([1, 2, 3, 4, 5].map(of)).size).toBe(5);
  });

  test('are all of one thing, where it was recorded more than once', () => {
    const named = ['knock-1', 'knock-2', 'door-1', 'plank-1', 'plank-2', 'plank-3'];
    const things = Array.from({ length: 20 }, (_, seed) => ofOneThing(named, seededRandom(seed)).join());
    expect(new Set(things)).toEqual(new Set(['knock-1,knock-2', 'plank-1,plank-2,plank-3']));
    expect(ofOneThing(['a-1', 'b-1'], seededRandom(1))).toHaveLength(2);
  });

  test('are named with their licence, each once, without what is muted', () => {
    const used = soundsUsed(
      chosen({ hits: [...hits(1, { class: 'bell' }), ...hits(1, { class: 'glass' }), ...hits(1, { muted: true })] }),
      palette,
    );
    expect(used).toEqual([
      { name: 'ring-1', licence: 'CC0-1.0' },
      { name: 'glass, synthesised', licence: 'CC0-1.0' },
    ]);
  });
});

describe('the plan that is rendered', () => {
  test('sounds a stronger hit always louder than a much weaker one', async () => {
    const plan = await soundPlan(chosen(), palette);
    const strong = plan.hits.filter((_, i) => i % 2 === 0).map(({ gain }) => gain);
    const weak = plan.hits.filter((_, i) => i % 2 === 1).map(({ gain }) => gain);
    expect(Math.min(...strong)).toBeGreaterThan(Math.max(...weak));
  });

  test('changes one hit without changing the others', async () => {
    const before = await soundPlan(chosen(), palette);
    const edited = chosen();
    edited.hits.splice(3, 1);
    edited.hits[10]!.timeS += 0.01;
    const after = await soundPlan(edited, palette);
    expect(after.hits.map(({ gain, rate }) => [gain, rate])).toEqual(
      before.hits.filter((_, i) => i !== 3).map(({ gain, rate }) => [gain, rate]),
    );
  });

  test('plays the same recording of one thing each time a little differently', async () => {
    const plan = await soundPlan(chosen({ hits: hits(10, { class: 'bell', strength: 1 }) }), palette);
    expect(new Set(plan.hits.map(({ rate }) => rate)).size).toBe(10);
  });

  test('synthesises what was never recorded, each hit another, the same when it is asked again', async () => {
    const plan = await soundPlan(chosen({ hits: hits(3, { class: 'glass' }) }), palette);
    const pcm = plan.hits.map(({ sound }) => sound().pcm);
    expect(pcm[0]!.some((x) => Math.abs(x) > 0.5)).toBe(true);
    expect(plan.hits[0]!.sound().pcm).toEqual(pcm[0]);
    expect(pcm[1]).not.toEqual(pcm[0]);
  });

  test('leaves out what is muted, and lays a layer where it belongs', async () => {
    const plan = await soundPlan(
      chosen({ hits: hits(3, { muted: true }), layers: [rain, { ...rain, id: 'l2', muted: true }] }),
      palette,
    );
    expect(plan.hits).toEqual([]);
    expect(plan.beds).toHaveLength(1);
    const [bed] = plan.beds;
    expect(bed).toMatchObject({ startS: 5, endS: 10, gainDb: -3, levelsFromS: 5 });
    expect(bed!.levels[0]).toBeCloseTo(0, 5);
    expect(bed!.levels.at(-1)).toBeCloseTo(1, 2);
  });
});
