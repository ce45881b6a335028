import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { longTest } from '@soundstage/core/contract-tests';
import { demoClip } from '@soundstage/inference';
import { MAIN, makeClip, makeMedia, testFolder } from './testing/run-cli.js';

const testing = testFolder();
const { path, soundstage, root: folder } = testing;
const clip = path('clip.mp4');
beforeAll(() => makeClip(clip));
afterAll(() => testing.remove());

describe('soundstage foley', () => {
  test('prints one JSON object on one line, and the video is there', async () => {
    const { code, stdout } = await soundstage(['foley', clip, '--json']);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const told = JSON.parse(stdout) as Record<string, unknown>;
    expect(told).toMatchObject({ output: join(folder, 'clip.foley.mp4'), seed: 1, duration_s: expect.any(Number) });
    for (const list of ['classes', 'onsets', 'sounds', 'warnings']) expect(Array.isArray(told[list])).toBe(true);
    for (const sound of told.sounds as object[]) {
      expect(sound).toEqual({ name: expect.any(String), licence: expect.stringMatching(/./) });
    }
    expect(Object.keys(told.timings as object)).toContain('look_s');
    expect(statSync(join(folder, 'clip.foley.mp4')).size).toBeGreaterThan(statSync(clip).size / 2);
  }, 120_000);

  longTest(
    'gives the same bytes for the same seed, and others for another',
    async () => {
      const make = async (...args: string[]) => {
        expect((await soundstage(['foley', clip, '--sound', 'wood', '--seed', '7', '-q', '-o', ...args])).code).toBe(0);
      };
      await make('a.mp4', '--candidates', '2');
      await make('b.mp4');
      const [one, other, same] = ['a.mp4', 'a-2.mp4', 'b.mp4'].map((name) => readFileSync(path(name)));
      expect(one!.equals(same!)).toBe(true);
      expect(one!.equals(other!)).toBe(false);
    },
    120_000,
  );

  test('takes a file whatever it is called', async () => {
    const name = "- it's a “name” 100%d http:\n영화 ж.mp4";
    copyFileSync(clip, path(name));
    const { code, stderr } = await soundstage(['foley', `./${name}`, '-o', './named.mp4', '-q']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  }, 120_000);

  test('never overwrites a file unasked, nor its own input', async () => {
    writeFileSync(join(folder, 'mine.mp4'), 'mine');
    const { code, stderr } = await soundstage(['foley', clip, '-o', 'mine.mp4']);
    expect([code, readFileSync(join(folder, 'mine.mp4'), 'utf8')]).toEqual([2, 'mine']);
    expect(stderr).toContain('--force');
    const whole = readFileSync(clip);
    expect((await soundstage(['foley', clip, '-o', clip, '--force', '-q'])).code).toBe(2);
    expect(readFileSync(clip).equals(whole)).toBe(true);
  }, 120_000);

  test.each([
    ['nothing.mp4', undefined],
    ['text.mp4', 'Dear diary\n'.repeat(100)],
    ['list.mp4', '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n'],
  ])(
    'refuses %s with exit code 2 and a sentence that names it',
    async (name, content) => {
      if (content !== undefined) writeFileSync(join(folder, name), content);
      const { code, stderr, stdout } = await soundstage(['foley', name, '--json']);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toContain(name);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    },
    60_000,
  );

  test('says which sounds there are when it is asked for one that nobody knows', async () => {
    const { code, stderr } = await soundstage(['foley', clip, '--sound', 'xyzzy', '-o', 'never.mp4']);
    expect(code).toBe(2);
    expect(stderr).toContain('xyzzy');
    expect(existsSync(join(folder, 'never.mp4'))).toBe(false);
  }, 60_000);

  test('says which package to install where ffmpeg is missing, with exit code 3', async () => {
    const { code, stderr } = await soundstage(['foley', clip, '-o', 'never.mp4'], { env: { PATH: '/nowhere' } });
    expect(code).toBe(3);
    expect(stderr).toMatch(/install the package "ffmpeg"/);
  }, 60_000);

  test('leaves nothing behind when it is interrupted', async () => {
    const target = join(folder, 'interrupted');
    mkdirSync(target);
    const child = spawn(process.execPath, [MAIN, 'foley', demoClip.path, '-o', join(target, 'out.mp4')], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise((resolve) => child.stderr.once('data', resolve)); // the first step is done
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(code).toBe(3);
    expect(readdirSync(target)).toEqual([]);
  }, 120_000);
});

describe('soundstage demo', () => {
  test('makes a soundtrack for any video again and again, beside what it made before', async () => {
    makeMedia('-i', clip, '-c:v', 'mpeg4', path('old.avi'));
    for (const name of ['old.foley.mp4', 'old.foley-2.mp4']) {
      const { code, stdout } = await soundstage(['demo', 'old.avi']);
      expect(code).toBe(0);
      expect(stdout).toContain(join(folder, name));
      expect(existsSync(join(folder, name))).toBe(true);
    }
  }, 120_000);
});

describe('soundstage', () => {
  test('tells with examples what it can do', async () => {
    for (const args of [
      ['--help'],
      ['foley', '--help'],
      ['sync', '--help'],
      ['demo', '--help'],
      ['up', '--help'],
      ['serve', '--help'],
    ]) {
      const { code, stdout } = await soundstage(args);
      expect(code).toBe(0);
      expect(stdout).toContain('Examples:');
    }
  }, 120_000);

  test('bears a reader that has seen enough', async () => {
    const child = spawn(process.execPath, [MAIN, 'foley', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let printed = '';
    child.stderr.on('data', (text: Buffer) => (printed += text.toString()));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(printed).toBe('');
  }, 60_000);

  test('refuses what it does not know with exit code 2', async () => {
    expect((await soundstage(['folley'])).code).toBe(2);
    expect((await soundstage(['foley'])).code).toBe(2);
    expect((await soundstage(['serve', 'everything'])).code).toBe(2);
    const { code, stderr } = await soundstage(['serve', 'splitter'], { env: { SOUNDSTAGE_DRAIN_S: 'soon' } });
    expect(code).toBe(2);
    expect(stderr).toContain('SOUNDSTAGE_DRAIN_S');
  }, 120_000);

  test('serves all services in one process, and drains when it is told to', async () => {
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      SOUNDSTAGE_HOME: join(folder, 'up'),
      SOUNDSTAGE_LISTEN: '127.0.0.1:0',
      SOUNDSTAGE_GATEWAY_PORT: '0',
    };
    const child = spawn(process.execPath, [MAIN, 'up'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let printed = '';
    const page = await new Promise<string>((resolve, reject) => {
      child.stderr.on('data', (data: Buffer) => {
        printed += data.toString();
        const url = /page on (http:\S+)\./.exec(printed)?.[1];
        if (url) resolve(url);
      });
      child.on('exit', () => reject(new Error(printed)));
    });
    expect((await fetch(`${page}/readyz`)).status).toBe(200);
    expect(await (await fetch(page)).text()).toContain('Soundstage');
    child.kill('SIGTERM');
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0);
  }, 120_000);
});
