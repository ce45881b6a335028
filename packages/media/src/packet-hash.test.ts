import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pictureMovedBy } from './index.js';
import { H264_B, makeMedia, sine, testFolder } from './test-media.js';

const folder = testFolder();
const { path } = folder;
afterAll(folder.remove);

beforeAll(() => {
  makeMedia(
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=96x64:r=25:d=3',
    ...sine(3),
    ...H264_B,
    '-c:a',
    'pcm_s16le',
    path('film.mov'),
  );
});

const film = () => ['-i', path('film.mov')];
const copied = ['-c', 'copy'];

describe('pictureMovedBy', () => {
  test.each([
    ['copied.mkv', () => [...film(), ...copied], 0],
    ['silent.mov', () => [...film(), '-an', ...copied], 0],
    ['late.mkv', () => [...film(), '-itsoffset', '0.6', ...film(), '-map', '0:a', '-map', '1:v', ...copied], 0.6],
  ])('tells that %s shows the same pictures, and when', async (name, made, lateS) => {
    makeMedia(...made(), path(name));
    expect(Math.abs((await pictureMovedBy(path('film.mov'), path(name)))! - lateS)).toBeLessThan(0.003);
    expect(Math.abs((await pictureMovedBy(path(name), path('film.mov')))! + lateS)).toBeLessThan(0.003);
  });

  test.each([
    ['coded.mov', () => [...film(), ...H264_B, '-crf', '30']],
    ['cut.mov', () => [...film(), ...copied, '-t', '2']],
    ['faster.mov', () => [...film(), ...copied, '-bsf:v', 'setts=ts=TS*0.99']],
    ['one-late.mkv', () => [...film(), ...copied, '-bsf:v', "setts=pts='PTS+gt(N,40)*0.02/TB'"]],
  ])('tells that %s shows others, or at other times', async (name, made) => {
    makeMedia(...made(), path(name));
    expect(await pictureMovedBy(path('film.mov'), path(name))).toBeUndefined();
  });
});
