import { longTest } from '@soundstage/core/contract-tests';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { readCues, writeCues, type CueSheet } from '@soundstage/cues';
import { probe } from '@soundstage/media';
import { attackOf, makeClip, makeMedia, soundOf, testFolder } from './testing/run-cli.js';

const folder = testFolder();
const { path, soundstage } = folder;
afterAll(() => folder.remove());

let sheet: CueSheet;

beforeAll(async () => {
  makeClip(path('clip.mp4'));
  makeMedia('-i', path('clip.mp4'), '-frames:v', '1', path('beach.jpg'));
  const made = await soundstage(['foley', 'clip.mp4', '--only', 'cues', '-q']);
  expect(made.stderr).toBe('');
  sheet = readCues(readFileSync(path('clip.cues.json'), 'utf8'));
}, 120_000);

/** The sheet with one single blow on wood. */
const oneHit = (timeS: number): string => {
  const hit = { id: 'h1', class: 'wood', strength: 1, pan: 0, confidence: 1, muted: false };
  return writeCues({ ...sheet, hits: [{ ...hit, timeS }], layers: [] });
};

describe('soundstage foley --only cues', () => {
  test('writes the cue sheet as JSON and as WebVTT, and no video', () => {
    expect(readdirSync(folder.root).sort()).toEqual(['beach.jpg', 'clip.cues.json', 'clip.cues.vtt', 'clip.mp4']);
    expect(sheet).toMatchObject({ format: 'soundstage-cues', video: { name: expect.stringContaining('clip.mp4') } });
    expect(readFileSync(path('clip.cues.vtt'), 'utf8')).toMatch(/^WEBVTT\n/);
  });
});

describe('soundstage foley --cues', () => {
  test('moves the sound where a person moved the hit, to within 10 ms', async () => {
    writeFileSync(path('edited.json'), oneHit(0.5));
    const one = await soundstage(['foley', 'clip.mp4', '--cues', 'edited.json', '-o', 'early.mp4', '-q']);
    expect(one).toMatchObject({ code: 0, stderr: '' });
    expect(one.stdout).toContain('as the cue sheet says');
    const other = await soundstage(['foley', 'clip.mp4', '--cues', '-', '-o', 'late.mp4', '--json'], {
      input: oneHit(1.237),
    });
    expect(JSON.parse(other.stdout)).toMatchObject({ onsets: [{ time_s: 1.237, strength: 1 }], seed: sheet.seed });
    expect(Math.abs(attackOf(await soundOf(path('early.mp4'))) - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(attackOf(await soundOf(path('late.mp4'))) - 1.237)).toBeLessThan(0.01);
  }, 120_000);

  test.each([
    ['a time beyond the end', () => oneHit(99), /hits\[0\]\.time_s is 99, beyond the end/],
    ['a time that is no number', () => oneHit(1).replace('"time_s":1', '"time_s":NaN'), /this is not JSON/],
    [
      'a class that nobody knows',
      () => oneHit(1).replace('"class":"wood"', '"class":"wooood"'),
      /hits\[0\]\.class is "wooood"/,
    ],
  ])(
    'refuses %s with exit code 2 and the line',
    async (_, write, told) => {
      const text = write();
      const line = text.split('\n').findIndex((each) => each.includes('"id":"h1"')) + 1;
      writeFileSync(path('bad.json'), text);
      const args = ['foley', 'clip.mp4', '--cues', 'bad.json', '-o', 'never.mp4', '-q'];
      const { code, stdout, stderr } = await soundstage(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`bad.json can't be used. Line ${line}: `);
      expect(stderr).toMatch(told);
      expect(existsSync(path('never.mp4'))).toBe(false);
    },
    60_000,
  );
});

describe('soundstage foley --engine regnet', () => {
  test('without a trained net ends with exit code 2 and the command that makes one', async () => {
    const args = ['foley', 'clip.mp4', '--engine', 'regnet', '-o', 'drawn.mp4'];
    const { code, stdout, stderr } = await soundstage(args, { env: { SOUNDSTAGE_MODELS_DIR: path('no-models') } });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('soundstage pipeline run pipelines/foley.yaml');
    expect(existsSync(path('drawn.mp4'))).toBe(false);
  }, 60_000);
});

describe('soundstage foley', () => {
  longTest(
    'makes as many takes as one asks for, each with its own seed and cue sheet',
    async () => {
      const args = [
        'foley',
        'clip.mp4',
        '--candidates',
        '2',
        '--save-cues',
        '--seed',
        '5',
        '--sound',
        'wood',
        '--json',
      ];
      const { code, stdout } = await soundstage(args);
      expect(code).toBe(0);
      const told = JSON.parse(stdout) as { output: string; candidates: Record<string, unknown>[] };
      expect(told).toMatchObject({ output: path('clip.foley.mp4'), seed: 5, scene: 'struck' });
      expect(told.candidates).toMatchObject([
        { seed: 5, output: path('clip.foley.mp4'), cues: path('clip.foley.cues.json') },
        { seed: 6, output: path('clip.foley-2.mp4'), cues: path('clip.foley-2.cues.json') },
      ]);
      const [one, two] = ['clip.foley.mp4', 'clip.foley-2.mp4'].map((name) => readFileSync(path(name)));
      expect(one!.equals(two!)).toBe(false);
      expect(readCues(readFileSync(path('clip.foley-2.cues.json'), 'utf8')).seed).toBe(6);

      // One of the two is there: nothing is begun, and the one that isn't stays away.
      copyFileSync(path('clip.mp4'), path('other.mp4'));
      writeFileSync(path('other.foley-2.mp4'), 'mine');
      const again = await soundstage(['foley', 'other.mp4', '--candidates', '2']);
      expect(again.code).toBe(2);
      expect(again.stderr).toMatch(/other\.foley-2\.mp4 exists.*--force/);
      expect(existsSync(path('other.foley.mp4'))).toBe(false);
    },
    120_000,
  );

  test('gives a still image an ambience as long as one asks for', async () => {
    const { code, stdout } = await soundstage([
      'foley',
      'beach.jpg',
      '--duration',
      '2.5',
      '--quality',
      'draft',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ output: path('beach.foley.mp4'), scene: 'ambience', onsets: [] });
    const info = await probe(path('beach.foley.mp4'));
    expect(info.durationS).toBeCloseTo(2.5, 1);
    expect(info.audio).toBeDefined();
  }, 60_000);

  test.each([
    [['clip.mp4', '--candidates', '9'], 'from 1 to 8'],
    [['clip.mp4', '--mute', ','], 'music,speech'],
    [['.'], 'say with -o'],
  ])(
    'refuses %j before any work, and says what to do',
    async (args, told) => {
      const { code, stdout, stderr } = await soundstage(['foley', ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(told);
      expect(stderr).not.toContain('Looking at the picture');
    },
    60_000,
  );
});
