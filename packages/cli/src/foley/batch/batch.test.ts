import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { probe } from '@soundstage/media';
import { MAIN, makeClip, makeMedia, testFolder } from '../../testing/run-cli.js';

const folder = testFolder();
const { path, soundstage } = folder;
afterAll(() => folder.remove());

const HOSTILE = '<img src=x onerror=alert(1)>"\'&.mp4';
const FORMULA = '=cmd|calc\nnew line.mp4';

beforeAll(() => {
  mkdirSync(path('in/sub/.hidden'), { recursive: true });
  makeClip(path('in/good.mp4'));
  copyFileSync(path('in/good.mp4'), path(`in/${HOSTILE}`));
  copyFileSync(path('in/good.mp4'), path(`in/sub/${FORMULA}`));
  copyFileSync(path('in/good.mp4'), path('in/sub/.hidden/never.mp4'));
  copyFileSync(path('in/good.mp4'), path('in/good.foley.mp4'));
  makeMedia('-i', path('in/good.mp4'), '-frames:v', '1', path('in/good.png'));
  makeMedia('-i', path('in/good.mp4'), '-f', 'lavfi', '-i', 'sine=d=2', '-c:v', 'copy', path('in/loud.mp4'));
  writeFileSync(path('in/broken.mp4'), 'Dear diary\n'.repeat(20));
  writeFileSync(path('in/notes.txt'), 'no video');
  mkdirSync(path('few'));
  for (const name of ['1.mp4', '2.mp4']) copyFileSync(path('in/good.mp4'), path(`few/${name}`));
});

interface Line {
  input: string;
  state: string;
  reason: string | null;
  output: string | null;
}

async function batch(...args: string[]): Promise<{ code: number; files: Record<string, Line>; summary: unknown }> {
  const { code, stdout, stderr } = await soundstage(['foley', 'in', '-o', 'out', '--duration', '2', '--json', ...args]);
  expect(stderr).toBe('');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const summary = lines.pop();
  return { code, files: Object.fromEntries(lines.map((line) => [line.input.slice('in/'.length), line])), summary };
}

const start = (...args: string[]) =>
  spawn(process.execPath, [MAIN, 'foley', ...args], { cwd: folder.root, env: { ...process.env, NODE_OPTIONS: '' } });

/** Rows of a CSV file, as RFC 4180 tells to read it. */
function readCsv(text: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === '\r\n') rows.push([]);
  }
  rows.pop();
  const [names, ...rest] = rows;
  return rest.map((cells) => Object.fromEntries(cells.map((cell, i) => [names![i]!, cell])));
}

describe('soundstage foley FOLDER', () => {
  test('brings every video and image to its end, whatever it is and however it is called', async () => {
    const { code, files, summary } = await batch('--quality', 'draft', '--save-cues');
    expect(code).toBe(2);
    expect(Object.fromEntries(Object.entries(files).map(([name, { state }]) => [name, state]))).toEqual({
      'broken.mp4': 'refused',
      'good.mp4': 'done',
      'good.png': 'done',
      'loud.mp4': 'refused',
      [HOSTILE]: 'done',
      [`sub/${FORMULA}`]: 'done',
    });
    expect(files['loud.mp4']!.reason).toContain('--keep-original');
    expect(summary).toMatchObject({ files: 6, done: 4, refused: 2, failed: 0, stopped: false, passed_over: 2 });
    for (const name of ['good.mp4', 'good.png.mp4', HOSTILE, `sub/${FORMULA}`])
      expect((await probe(path(`out/${name}`))).audio).toBeDefined();
    expect(existsSync(path('out/good.cues.json'))).toBe(true);
    expect(readdirSync(path('out')).filter((name) => name.startsWith('.'))).toEqual(['.soundstage']);
  }, 180_000);

  test('tells all of it in foley.csv, where no name can be a formula', () => {
    const rows = readCsv(readFileSync(path('out/foley.csv'), 'utf8'));
    expect(rows).toHaveLength(6);
    const row = (name: string) => rows.find(({ input }) => input === name)!;
    expect(row('good.mp4')).toMatchObject({ output: 'good.mp4', state: 'done', duration_s: '2', reason: '' });
    expect(Number(row('good.mp4').loudness_lufs)).toBeLessThan(-20);
    expect(Number(row('good.mp4').took_s)).toBeGreaterThan(0);
    expect(Number(row('good.mp4').times_real_time)).toBeCloseTo(Number(row('good.mp4').took_s) / 2, 1);
    expect(row('good.png')).toMatchObject({ output: 'good.png.mp4', scene: 'ambience', hits: '0' });
    expect(row('broken.mp4')).toMatchObject({
      output: '',
      state: 'refused',
      reason: expect.stringContaining('broken'),
    });
    expect(row(`sub/${FORMULA}`)).toBeDefined();
  });

  test('does only what is missing when it is run again', async () => {
    const whole = statSync(path('out/good.mp4')).mtimeMs;
    rmSync(path('out/good.png.mp4'));
    const { code, files } = await batch('--quality', 'draft', '--save-cues');
    expect(code).toBe(2);
    expect(files['good.mp4']).toMatchObject({ state: 'skipped', reason: 'there already' });
    expect(files['good.png']!.state).toBe('done');
    expect(statSync(path('out/good.mp4')).mtimeMs).toBe(whole);
    const row = readCsv(readFileSync(path('out/foley.csv'), 'utf8')).find(({ input }) => input === 'good.mp4')!;
    expect(row).toMatchObject({ state: 'skipped', duration_s: '2' });
    expect(Number(row.loudness_lufs)).toBeLessThan(-20);
  }, 180_000);

  test('leaves what is there with other settings, or made before the input changed, and says so', async () => {
    rmSync(path('in/loud.mp4'));
    rmSync(path('in/broken.mp4'));
    utimesSync(path(`in/${HOSTILE}`), new Date(0), new Date(0));
    const changed = await batch('--quality', 'draft', '--save-cues');
    expect(changed.code).toBe(0);
    expect(changed.files[HOSTILE]!.reason).toContain('before the input changed');
    const other = await batch('--quality', 'draft', '--save-cues', '--seed', '2');
    expect(other.files['good.mp4']).toMatchObject({ state: 'skipped', reason: expect.stringContaining('--force') });
  }, 180_000);

  test('stops at Ctrl-C with exit code 3, a report of what is done and nothing by half', async () => {
    const child = start('few', '-o', 'stopped');
    let printed = '';
    child.stdout.on('data', (text: Buffer) => (printed += text.toString()));
    const ended = new Promise((resolve) => child.on('exit', resolve));
    // Each file that is done leaves a line.
    await new Promise((resolve) => child.stderr.once('data', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(3);
    expect(printed).toMatch(/2 files: 1 done[^]*Stopped: 1 left\. Run the same again/);
    expect(readFileSync(path('stopped/report.html'), 'utf8')).toContain('1 more left');
    expect(readdirSync(path('stopped')).sort()).toEqual(['.soundstage', '1.mp4', 'foley.csv', 'report.html']);
    expect(existsSync(path('stopped/.soundstage/lock'))).toBe(false);
  }, 180_000);

  test('goes on after a kill, with outputs that are whole or absent', async () => {
    const child = start('few', '-o', 'stopped', '-q');
    const ended = new Promise((resolve) => child.on('exit', resolve));
    // The second is under way.
    while (readdirSync(path('stopped/.soundstage/records')).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(path('stopped/.soundstage/lock'))).toBe(true);
    if (existsSync(path('stopped/2.mp4'))) expect((await probe(path('stopped/2.mp4'))).audio).toBeDefined();
    writeFileSync(path('stopped/.soundstage-0123456789ab.mp4'), 'half of a file');

    const { code, stdout } = await soundstage(['foley', 'few', '-o', 'stopped', '-q']);
    expect(code).toBe(0);
    expect(stdout).toContain('2 files: 1 done, 1 there already');
    expect((await probe(path('stopped/2.mp4'))).audio).toBeDefined();
    expect(readdirSync(path('stopped')).sort()).toEqual(['.soundstage', '1.mp4', '2.mp4', 'foley.csv', 'report.html']);
    expect(readCsv(readFileSync(path('stopped/foley.csv'), 'utf8'))).toHaveLength(2);
  }, 180_000);

  test('refuses a folder without videos, and one in which another batch is at work', async () => {
    mkdirSync(path('nothing'));
    writeFileSync(path('nothing/notes.txt'), 'no video');
    const none = await soundstage(['foley', 'nothing', '-o', 'out2']);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('only 1 file of other kinds') });
    mkdirSync(path('busy/.soundstage'), { recursive: true });
    writeFileSync(path('busy/.soundstage/lock'), `${process.pid} ${hostname()}\n`);
    const busy = await soundstage(['foley', 'in', '-o', 'busy']);
    expect(busy).toMatchObject({ code: 3, stderr: expect.stringContaining('Another batch') });
  }, 90_000);
});
