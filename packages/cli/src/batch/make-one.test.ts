import { afterAll, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { makeMedia, testFolder } from '../testing/run-cli.js';
import { folderSource, folderTarget } from './folder-places.js';
import { makeOne } from './make-one.js';
import { recordsOf } from './record.js';

const folder = testFolder();
const { path } = folder;
afterAll(() => folder.remove());

test('a result that an earlier run made, and that a forced one doesn’t make any more, is taken away', async () => {
  mkdirSync(path('in'));
  makeMedia('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=10:d=1', '-c:v', 'mpeg4', path('in/film.mp4'));
  const { size, mtimeMs } = statSync(path('in/film.mp4'));
  const input = {
    path: path('in/film.mp4'),
    name: 'film.mp4',
    kind: 'video',
    bytes: size,
    modifiedMs: mtimeMs,
  } as const;
  const target = folderTarget(path('out'));
  const made = async (files: string[]) => {
    const { entry } = await makeOne(input, {
      worker: {
        settings: 'the same',
        plan: () => ({
          files: ['film.mp4', 'film.html'],
          unknown: () => undefined,
          async make() {
            for (const file of files) writeFileSync(path(`out/${file}`), 'made');
            return { files, clip: async () => files.length, told: {} };
          },
        }),
      },
      source: folderSource(path('in')),
      target,
      records: recordsOf<number>(target, 'records'),
      force: true,
      inputs: new Set(),
      claimed: new Map(),
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    return [entry.state, entry.clip, existsSync(path('out/film.mp4')), existsSync(path('out/film.html'))];
  };
  expect(await made(['film.mp4', 'film.html'])).toEqual(['done', 2, true, true]);
  expect(await made(['film.html'])).toEqual(['done', 1, false, true]);
}, 60_000);
