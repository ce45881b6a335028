import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { chdir, cwd } from 'node:process';
import { SoundstageError } from '@soundstage/core';
import { makeMedia, testFolder } from '../testing/run-cli.js';
import { curveArt } from './curve-art.js';
import type { SyncOptions } from './options.js';
import { planSync } from './run.js';

const folder = testFolder();
const { path } = folder;
const before = cwd();
afterAll(() => {
  chdir(before);
  folder.remove();
});

beforeAll(() => {
  chdir(folder.root);
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=10:d=1'];
  const sound = ['-f', 'lavfi', '-i', 'sine=d=1'];
  makeMedia(...picture, ...sound, '-c:v', 'mpeg4', '-c:a', 'aac', path('film.mp4'));
  makeMedia('-i', path('film.mp4'), '-an', '-c:v', 'copy', path('silent.mp4'));
  makeMedia('-i', path('film.mp4'), '-frames:v', '1', path('photo.png'));
  makeMedia(...sound, path('tone.wav'));
  linkSync(path('film.mp4'), path('same.mp4'));
  symlinkSync(path('film.mp4'), path('link.mp4'));
  mkdirSync(path('made'));
  for (const name of ['there.mp4', 'there.html', 'notes.txt']) writeFileSync(path(name), 'mine');
});

const planned = async (options: SyncOptions) => {
  const { output, report } = await planSync('film.mp4', options);
  return [output, report].map((text) => text?.replace(`${folder.root}/`, ''));
};

test('nothing is to be written without -o, and what is written goes where -o and --report say', async () => {
  expect(await planned({})).toEqual([undefined, undefined]);
  expect(await planned({ measure: true, report: 'film.html' })).toEqual([undefined, 'film.html']);
  expect(await planned({ output: 'made' })).toEqual(['made/film.sync.mp4', undefined]);
  expect(await planned({ output: 'there.mp4', report: 'there.html', force: true })).toEqual([
    'there.mp4',
    'there.html',
  ]);
});

test.each<[string, SyncOptions, string]>([
  ['film.mp4', { output: 'film.mp4', force: true }, 'is the input itself'],
  ['film.mp4', { output: 'same.mp4', force: true }, 'is the input itself'],
  ['film.mp4', { output: 'link.mp4', force: true }, 'is the input itself'],
  ['link.mp4', { output: 'film.mp4', force: true }, 'is the input itself'],
  ['film.mp4', { output: 'there.mp4' }, 'or overwrite it with --force'],
  ['film.mp4', { report: 'there.html' }, 'choose another name with --report'],
  ['film.mp4', { report: 'film.txt' }, 'ends with .html'],
  ['film.mp4', { output: 'film.gif' }, "isn't a kind of video"],
  ['film.mp4', { output: 'nowhere/film.mp4' }, "nowhere doesn't exist"],
  ['film.mp4', { output: 'other.mp4', measure: true }, 'leave one of the two out'],
  ['film.mp4', { csv: 'film.csv' }, '--csv is for folders'],
  ['silent.mp4', {}, 'no sound'],
  ['photo.png', {}, 'still image'],
  ['tone.wav', {}, 'no picture'],
  ['notes.txt', {}, 'notes.txt'],
  ['nothing.mp4', {}, "doesn't exist"],
])('refuses %s with %j before any work, and says what to do', async (input, options, told) => {
  const error = await planSync(input, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SoundstageError);
  expect((error as SoundstageError).message).toContain(told);
  expect(['BAD_INPUT', 'NOT_FOUND']).toContain((error as SoundstageError).reason);
});

describe('The curve of agreement in text', () => {
  const offsetsMs = Array.from({ length: 201 }, (_, i) => 10 * i - 1000);

  test('peaks where lips and sound agree best, over a line that says where that is', () => {
    const curve = offsetsMs.map((offsetMs) => Math.exp(-(((offsetMs - 300) / 40) ** 2)));
    const [drawn, under] = curveArt({ offsetsMs, curve });
    expect(drawn!.indexOf('█')).toBe(39); // 300 ms of −1000 to 1000, in 61 columns
    expect(under!.indexOf('0')).toBe(30);
    expect(under).toMatch(/^1 s early +0 +1 s late$/);
  });

  test('is left out where nothing was compared', () => {
    expect(curveArt({ offsetsMs: [], curve: [] })).toEqual([]);
    expect(curveArt({ offsetsMs, curve: offsetsMs.map(() => 0) })[0]).toBe('');
  });
});
