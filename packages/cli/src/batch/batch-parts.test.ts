import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileUrl, html } from '@soundstage/html';
import { testFolder } from '../testing/run-cli.js';
import { durationInWords, shown, timeLeft } from './batch-progress.js';
import type { BatchEntry } from './entry.js';
import { findInputs, type BatchInput } from './find-inputs.js';
import { lockFolder } from './lock.js';
import { figures } from '../foley/batch/figures.js';
import type { ClipView } from '../foley/report/clip-view.js';

const folder = testFolder();
const { path } = folder;
afterAll(() => folder.remove());

const input = (name: string, kind: BatchInput['kind'] = 'video', bytes = 100): BatchInput => ({
  path: `/in/${name}`,
  name,
  kind,
  bytes,
  modifiedMs: 0,
});
const refused = (name: string, reason = 'wrong'): BatchEntry<ClipView> => ({
  input: input(name),
  state: 'refused',
  reason,
  tookS: 0.5,
});

describe('foley.csv', () => {
  test('quotes what RFC 4180 wants quoted, and ends lines as it says', () => {
    const csv = figures([refused('a,b "c"\nd.mp4')]);
    expect(csv).toMatch(/\r\n$/);
    expect(csv.split('\r\n')[1]).toBe('"a,b ""c""\nd.mp4",,refused,wrong,,,,,,,,,,,0.5,,');
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '＝1'])('lets no spreadsheet take %j for a formula', (name) => {
    expect(
      figures([refused(name)])
        .split('\r\n')[1]!
        .replace(/^"/, ''),
    ).toMatch(/^'/);
  });

  test('leaves numbers below zero what they are', () => {
    const take = { seed: 1, video: 'a.mp4', loudnessLufs: -23, sounds: [], drawnHits: [], drawnLayers: [], peaks: [] };
    const clip = { durationS: 2, still: false, classes: [], warnings: [], stills: [], takes: [take] };
    expect(figures([{ ...refused('a.mp4'), state: 'done', clip }])).toContain(',-23,');
  });
});

describe('The inputs of a batch', () => {
  test('are the videos and images below a folder, in the order that people count in', async () => {
    mkdirSync(path('in/take 10'), { recursive: true });
    mkdirSync(path('in/.git'));
    mkdirSync(path('in/old/.soundstage'), { recursive: true });
    mkdirSync(path('in/out'));
    for (const name of ['b.MP4', 'take 2.mov', 'take 10/a.webm', 'x.png', 'x.foley-2.mp4', 'x.txt', '.hidden.mp4'])
      writeFileSync(path(`in/${name}`), name);
    for (const name of ['.git/a.mp4', 'old/a.mp4', 'out/a.mp4']) writeFileSync(path(`in/${name}`), name);
    symlinkSync(path('in'), path('in/circle'));
    symlinkSync(path('in/b.MP4'), path('in/link.mp4'));
    const found = await findInputs(path('in'), path('in/out'), {
      kinds: ['video', 'image'],
      result: /\.foley(-\d+)?\.\w+$/i,
    });
    expect(found.inputs.map(({ name }) => name)).toEqual([
      'b.MP4',
      'link.mp4',
      'take 2.mov',
      'take 10/a.webm',
      'x.png',
    ]);
    expect(found.inputs.map(({ kind }) => kind)).toEqual(['video', 'video', 'video', 'video', 'image']);
    expect(found).toMatchObject({ ours: 2, others: 2 });
  });
});

describe('The folder of results', () => {
  test('takes one batch at a time, and a lock that a dead process left is taken over', async () => {
    const lock = await lockFolder(path('locked'));
    // This process may take over its own lock, so somebody else holds it: the first process of the machine.
    writeFileSync(path('locked/.soundstage/lock'), `1 ${hostname()}\n`);
    await expect(lockFolder(path('locked'))).rejects.toThrow(/Another batch writes to .*process 1 /);
    await lock.release();
    writeFileSync(path('locked/.soundstage/lock'), `999999999 ${hostname()}\n`);
    await (await lockFolder(path('locked'))).release();
  });
});

describe('The progress of a batch', () => {
  test('guesses the time left from the bytes of videos and the number of images', () => {
    const inputs = [input('a', 'video', 100), input('b', 'video', 300), input('c', 'image'), input('d', 'image')];
    const { ended, leftS } = timeLeft(inputs);
    const done = (each: BatchInput, tookS: number): BatchEntry<ClipView> => ({ input: each, state: 'done', tookS });
    expect(leftS()).toBeUndefined();
    ended(done(inputs[0]!, 10));
    expect(leftS()).toBeCloseTo(30 + 2 * 10); // no image was made yet: they count as what was
    ended(done(inputs[2]!, 2));
    expect(leftS()).toBeCloseTo(30 + 2);
    expect(leftS(5)).toBeCloseTo(27);
    ended({ input: inputs[1]!, state: 'refused', tookS: 0.1 });
    expect(leftS()).toBeCloseTo(2);
  });

  test('says durations as people do, and lets no name move the cursor', () => {
    expect([3.2, 98.6, 170, 600, 4800].map(durationInWords)).toEqual(['4 s', '99 s', '3 min', '10 min', '1 h 20 min']);
    expect(shown('a\u001b[2Jb\u202ec\n')).toBe('a�[2Jb�c�');
  });
});

describe('The HTML of the report', () => {
  test('takes whatever is put in for text', () => {
    expect(html`<b title="${`"'><script>`}">${['&', html`<i>${1}</i>`]}</b>`.text).toBe(
      '<b title="&quot;&#39;&gt;&lt;script&gt;">&amp;<i>1</i></b>',
    );
    expect(html`${'a\nb\u0000\u202e'}`.text).toBe('a↵b��');
  });

  test('gives no name the meaning of a scheme, a query or a fragment', () => {
    expect(fileUrl('javascript:alert(1)?#%41/ü.mp4')).toBe('./javascript%3Aalert(1)%3F%23%2541/%C3%BC.mp4');
  });
});
