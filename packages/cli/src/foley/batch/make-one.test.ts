import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { SoundstageError } from '@soundstage/core';
import type { CueSheet } from '@soundstage/cues';
import type { Foley } from '@soundstage/inference';
import { makeClip, makeMedia, testFolder } from '../../testing/run-cli.js';
import type { BatchEntry } from '../../batch/entry.js';
import type { BatchInput } from '../../batch/find-inputs.js';
import { folderSource, folderTarget } from '../../batch/folder-places.js';
import { makeOne } from '../../batch/make-one.js';
import { recordsOf } from '../../batch/record.js';
import type { FoleyOptions } from '../options.js';
import type { ClipView } from '../report/clip-view.js';
import { foleyJob } from './foley-job.js';

const folder = testFolder();
const { path } = folder;
afterAll(() => folder.remove());

beforeAll(() => {
  mkdirSync(path('in'));
  makeClip(path('in/clip.mp4'));
  makeMedia('-i', path('in/clip.mp4'), '-f', 'lavfi', '-i', 'sine=d=2', '-c:v', 'copy', path('loud.mp4'));
  makeMedia('-i', path('in/clip.mp4'), '-c:v', 'mpeg4', path('in/clip.avi'));
});

beforeEach(() => rmSync(path('out'), { recursive: true, force: true }));

const inputOf = (name: string): BatchInput => {
  const { size, mtimeMs } = statSync(path(`in/${name}`));
  return { path: path(`in/${name}`), name, kind: 'video', bytes: size, modifiedMs: mtimeMs };
};

/** Stands in for the models: a hit at half a second, under the clip's own picture. */
const run: Foley['run'] = async ({ outputPaths = [], seed = 1 }) => {
  const hit = { id: 'h1', timeS: 0.5, class: 'wood', strength: 1, pan: 0, confidence: 1, muted: false };
  const video = { name: 'clip', durationS: 2 };
  const plan = { format: 'soundstage-cues', version: 1, scene: 'struck', classes: [], notes: [], layers: [] } as const;
  const sheet: CueSheet = { ...plan, classes: [], notes: [], layers: [], video, timingTrust: 0.7, seed, hits: [hit] };
  return {
    engine: 'palette',
    models: [],
    durationS: 2,
    classes: [{ label: 'wood', confidence: 0.9 }],
    timingTrust: 0.7,
    warnings: [],
    timings: { look_s: 0, what_s: 0, when_s: 0, sound_s: 0, mix_s: 0, mux_s: 0 },
    candidates: outputPaths.map((output, index) => {
      copyFileSync(path('loud.mp4'), output);
      return { seed: seed + index, sheet, sounds: [], output, loudnessLufs: -23, truePeakDbtp: -5 };
    }),
  };
};

interface Change {
  options?: FoleyOptions;
  foley?: { run: Foley['run']; versionOf: () => string };
  folder?: string;
  inputs?: ReadonlySet<string>;
  claimed?: Map<string, string>;
  signal?: AbortSignal;
}

const records = recordsOf<ClipView>(folderTarget(path('out')), 'records');

const end = async (name: string, change: Change = {}): Promise<BatchEntry<ClipView>> => {
  const { options = {}, foley = { run, versionOf: () => '1' }, signal = new AbortController().signal } = change;
  const unused = async () => undefined;
  const worker = await foleyJob(options, async () => ({ ...foley, check: unused, close: unused })).open();
  const target = folderTarget(change.folder ?? path('out'));
  const made = await makeOne(inputOf(name), {
    worker,
    source: folderSource(path('in')),
    target,
    records: recordsOf<ClipView>(target, 'records'),
    force: options.force ?? false,
    inputs: change.inputs ?? new Set(),
    claimed: change.claimed ?? new Map<string, string>(),
    signal,
    onProgress: () => undefined,
  });
  return made.entry;
};

describe('One input of a batch', () => {
  test('is made once, and known from then on with all that the report shows', async () => {
    const made = await end('clip.mp4');
    expect(made).toMatchObject({ state: 'done', clip: { timingTrust: 0.7, takes: [{ video: 'clip.mp4', hits: 1 }] } });
    const [take] = made.clip!.takes;
    expect(Math.max(...take!.peaks)).toBeGreaterThan(5);
    expect(made.clip!.stills.map(({ timeS }) => timeS)).toEqual([0.5]);
    const again = await end('clip.mp4');
    expect(again).toMatchObject({ state: 'skipped', reason: 'there already' });
    expect(again.clip).toEqual(made.clip);
  });

  test('leaves a file of somebody else where it is, unless forced', async () => {
    mkdirSync(path('out'));
    writeFileSync(path('out/clip.mp4'), 'mine');
    expect(await end('clip.mp4')).toMatchObject({ state: 'skipped', reason: expect.stringContaining('not by this') });
    expect(readFileSync(path('out/clip.mp4'), 'utf8')).toBe('mine');
    expect((await end('clip.mp4', { options: { force: true } })).state).toBe('done');
    expect(statSync(path('out/clip.mp4')).size).toBeGreaterThan(1000);
  });

  test('is made anew where a killed run was at it, or one of its takes is gone', async () => {
    const options = { candidates: 2 };
    expect((await end('clip.mp4', { options })).state).toBe('done');
    const record = await records.read('clip.mp4');
    expect(record!.files).toEqual(['clip.mp4', 'clip.take-2.mp4']);
    await records.write({ ...record!, state: 'started' });
    expect((await end('clip.mp4', { options })).state).toBe('done');
    rmSync(path('out/clip.take-2.mp4'));
    expect((await end('clip.mp4', { options })).state).toBe('done');
    expect(existsSync(path('out/clip.take-2.mp4'))).toBe(true);
  });

  test('stays as it is with other settings, whose defaults count as what they are', async () => {
    await end('clip.mp4');
    const same = await end('clip.mp4', { options: { quality: 'standard', seed: 1, candidates: 1, mute: [] } });
    expect(same.reason).toBe('there already');
    const other = await end('clip.mp4', { options: { seed: 2 } });
    expect(other).toMatchObject({ state: 'skipped', reason: expect.stringContaining('other settings') });
    expect(other.clip?.takes[0]?.peaks.length).toBeGreaterThan(0);
    const upgraded = await end('clip.mp4', { foley: { run, versionOf: () => '2' } });
    expect(upgraded.reason).toContain('another version');
  });

  test('is refused where its result would lie over an input or over another result', async () => {
    const over = await end('clip.mp4', { folder: path('in'), inputs: new Set([path('in/clip.mp4')]) });
    expect(over).toMatchObject({ state: 'refused', reason: expect.stringContaining('over the input clip.mp4') });
    copyFileSync(path('in/clip.mp4'), path('in/clip.avi.mp4'));
    const claimed = new Map<string, string>();
    expect((await end('clip.avi', { claimed })).state).toBe('done');
    const second = await end('clip.avi.mp4', { claimed });
    expect(second).toMatchObject({ state: 'refused', reason: expect.stringContaining('rename one of the two') });
  });

  test('fails where it can not be made now, and leaves nothing that looks like ours', async () => {
    const full = async () => {
      throw new SoundstageError('EXHAUSTED', 'The disk is full.');
    };
    expect(await end('clip.mp4', { foley: { run: full, versionOf: () => '1' } })).toMatchObject({
      state: 'failed',
      reason: 'The disk is full.',
    });
    expect(await records.read('clip.mp4')).toBeUndefined();
    const defect = async () => {
      throw new TypeError('undefined is not a function');
    };
    expect((await end('clip.mp4', { foley: { run: defect, versionOf: () => '1' } })).state).toBe('failed');
  });

  test('ends the batch alone when it is stopped', async () => {
    const abort = new AbortController();
    const stop = async () => {
      abort.abort();
      throw new Error('whatever comes of it');
    };
    const stopped = end('clip.mp4', { foley: { run: stop, versionOf: () => '1' }, signal: abort.signal });
    await expect(stopped).rejects.toMatchObject({ reason: 'CANCELLED' });
  });
});
