import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chdir, cwd } from 'node:process';
import { SoundstageError } from '@soundstage/core';
import { writeCues } from '@soundstage/cues';
import { makeClip, makeMedia, testFolder } from '../testing/run-cli.js';
import type { FoleyOptions } from './options.js';
import { planFoley } from './run.js';

const folder = testFolder();
const { path } = folder;
const before = cwd();
afterAll(() => {
  chdir(before);
  folder.remove();
});

beforeAll(() => {
  chdir(folder.root);
  makeClip(path('clip.mp4'));
  makeMedia('-i', path('clip.mp4'), '-frames:v', '1', path('beach.webp'));
  makeMedia('-f', 'lavfi', '-i', 'sine=d=1', path('tone.wav'));
  linkSync(path('clip.mp4'), path('same.mp4'));
  mkdirSync(path('made'));
  const video = { name: 'clip.mp4', durationS: 7 };
  const sheet = { format: 'soundstage-cues', version: 1, video, scene: 'struck', classes: [], notes: [] } as const;
  writeFileSync(
    'cues.json',
    writeCues({ ...sheet, classes: [], notes: [], timingTrust: null, seed: 4, hits: [], layers: [] }),
  );
});

const planned = async (input: string, options: FoleyOptions = {}) => {
  const { takes, stillDurationS } = await planFoley(input, options);
  const short = (text: string | undefined) => text?.replace(`${folder.root}/`, '');
  return { takes: takes.map(({ video, cues, vtt }) => [video, cues, vtt].map(short)), stillDurationS };
};

test('names what is made after the input, beside it or where -o says', async () => {
  const takesOf = async (input: string, options?: FoleyOptions) => (await planned(input, options)).takes;
  const none = undefined;
  expect(await takesOf('clip.mp4')).toEqual([['clip.foley.mp4', none, none]]);
  expect(await takesOf('clip.mp4', { output: 'made' })).toEqual([['made/clip.foley.mp4', none, none]]);
  expect(await takesOf('clip.mp4', { output: 'x.mov', saveCues: true, candidates: 2 })).toEqual([
    ['x.mov', 'x.cues.json', 'x.cues.vtt'],
    ['x-2.mov', 'x-2.cues.json', 'x-2.cues.vtt'],
  ]);
  expect(await takesOf('clip.mp4', { only: 'cues' })).toEqual([[none, 'clip.cues.json', 'clip.cues.vtt']]);
  expect(await takesOf('clip.mp4', { only: 'cues', output: 'x.json' })).toEqual([[none, 'x.json', 'x.vtt']]);
  expect(await takesOf('beach.webp')).toEqual([['beach.foley.mp4', none, none]]);
});

test('lets a still image sound as long as its cue sheet, unless a person says otherwise', async () => {
  expect((await planned('beach.webp')).stillDurationS).toBeUndefined();
  expect((await planned('beach.webp', { cues: 'cues.json' })).stillDurationS).toBe(7);
  expect((await planned('beach.webp', { cues: 'cues.json', duration: 9 })).stillDurationS).toBe(9);
});

test.each<[string, FoleyOptions, string]>([
  ['clip.mp4', { cues: 'cues.json', sound: 'wood' }, 'change "class" of the hits'],
  ['clip.mp4', { cues: 'cues.json', only: 'cues' }, 'leave one of the two out'],
  ['clip.mp4', { cues: 'cues.json', saveCues: true }, 'is there already'],
  ['clip.mp4', { cues: 'nowhere.json' }, 'no cue sheet nowhere.json'],
  ['clip.mp4', { cues: 'made' }, 'is a folder'],
  ['clip.mp4', { cues: 'clip.mp4' }, 'no text in UTF-8'],
  ['clip.mp4', { sound: ' ' }, 'needs words'],
  ['clip.mp4', { engine: 'regnet', sound: 'wood' }, 'can’t be told'],
  ['clip.mp4', { engine: 'regnet', mute: ['music'] }, 'no classes'],
  ['clip.mp4', { engine: 'regnet', only: 'cues' }, 'no cue sheet'],
  ['clip.mp4', { engine: 'regnet', cues: 'cues.json' }, 'rendered with the palette'],
  ['clip.mp4', { engine: 'regnet', saveCues: true }, 'no cue sheet'],
  ['beach.webp', { engine: 'regnet' }, 'hears what moves'],
  ['clip.mp4', { duration: 5 }, 'is for still images'],
  ['clip.mp4', { only: 'cues', output: 'sheet.mp4' }, 'ends with .json'],
  ['clip.mp4', { output: 'nowhere/out.mp4' }, "nowhere doesn't exist"],
  ['clip.mp4', { output: 'cues.json/out.mp4' }, "isn't a folder"],
  ['clip.mp4', { output: 'out.gif' }, '.mp4 or .mov or .mkv'],
  ['beach.webp', { output: 'out.webm' }, '.mp4 or .mov or .mkv'],
  ['clip.mp4', { output: 'same.mp4', force: true }, 'is the input itself'],
  ['clip.mp4', { output: 'clip.mp4', force: true }, 'is the input itself'],
  ['clip.mp4', { output: 'beach.webp' }, "isn't a kind of video"],
  ['tone.wav', {}, 'has no picture'],
  ['cues.json', {}, 'cues.json'],
  ['nowhere.mp4', {}, "doesn't exist"],
])('refuses %s with %j before any work, and says what to do', async (input, options, told) => {
  const error = await planFoley(input, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SoundstageError);
  expect((error as SoundstageError).message).toContain(told);
  expect(['BAD_INPUT', 'NOT_FOUND']).toContain((error as SoundstageError).reason);
});

test('refuses a name that no disk takes', async () => {
  await expect(planFoley('clip.mp4', { output: `${'n'.repeat(252)}.mp4` })).rejects.toThrow('too long');
});

test('refuses an output that exists, whichever of the takes it is, and takes it with --force', async () => {
  writeFileSync('there-2.mp4', 'mine');
  const options = { output: 'there.mp4', candidates: 2 };
  await expect(planFoley('clip.mp4', options)).rejects.toThrow(/there-2\.mp4 exists.*--force/);
  expect((await planned('clip.mp4', { ...options, force: true })).takes).toHaveLength(2);
  expect(readFileSync('there-2.mp4', 'utf8')).toBe('mine');
});
