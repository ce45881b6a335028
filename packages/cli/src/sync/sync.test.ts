import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashVideoPackets } from '@soundstage/media';
import { makeMedia, testFolder } from '../testing/run-cli.js';

const folder = testFolder();
const { path, soundstage } = folder;
afterAll(() => folder.remove());

/** Two clips of the GRID corpus: a face that speaks for six seconds, in sync as it was recorded. */
const grid = join(process.env.SOUNDSTAGE_DATA ?? '', 'sync', 'grid_s1');
const clips = process.env.SOUNDSTAGE_DATA && existsSync(grid) ? readdirSync(grid).sort().slice(0, 2) : [];
const onRealClips = clips.length === 0 ? describe.skip : describe;
console.log(
  clips.length === 0
    ? '0 real clips of talking faces tested: set SOUNDSTAGE_DATA to the folder that holds sync/.'
    : `${clips.length} real clips of a talking face tested.`,
);

describe('soundstage sync', () => {
  test('says of a film without a face that it can’t tell, writes nothing, and ends well', async () => {
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=2'];
    makeMedia(...picture, '-f', 'lavfi', '-i', 'sine=d=2', '-c:v', 'libx264', '-preset', 'ultrafast', path('bars.mp4'));
    const { code, stdout, stderr } = await soundstage(['sync', 'bars.mp4', '-o', 'out.mp4', '-q']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^bars\.mp4: It can’t be told/);
    expect(stdout).toMatch(/^Nothing written {2}.*nothing was altered\.$/m);
    expect(existsSync(path('out.mp4'))).toBe(false);
  }, 180_000);

  test('refuses a wrong input with exit code 2 and one sentence, without a word on stdout', async () => {
    const { code, stdout, stderr } = await soundstage(['sync', 'nothing.mp4', '--json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }, 180_000);

  test('says where a model is missing, with exit code 2', async () => {
    const { code, stderr } = await soundstage(['sync', 'bars.mp4'], { env: { SOUNDSTAGE_MODELS_DIR: path('none') } });
    expect(code).toBe(2);
    expect(stderr).toContain('sync');
  }, 180_000);
});

onRealClips('soundstage sync on a face that speaks', () => {
  const late = path('late.mkv');
  beforeAll(() => {
    writeFileSync(path('clips.txt'), clips.map((name) => `file '${join(grid, name)}'\n`).join(''));
    const fine = path('fine.mkv');
    makeMedia('-f', 'concat', '-safe', '0', '-i', path('clips.txt'), '-c', 'copy', fine);
    makeMedia('-i', fine, '-itsoffset', '0.3', '-i', fine, '-map', '0:v', '-map', '1:a', '-c', 'copy', late);
  });

  test('leaves a film alone that is in sync: no file, the reason, exit code 0', async () => {
    const { code, stdout } = await soundstage(['sync', 'fine.mkv', '-o', 'untouched.mkv', '--json']);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const said = JSON.parse(stdout) as Record<string, unknown>;
    expect(said).toMatchObject({ verdict: 'in_sync', after: null, repaired: false, output: null, report: null });
    expect(Math.abs(said.offset_ms as number)).toBeLessThan(80);
    expect(said.segments).toEqual([
      {
        start_s: 0,
        end_s: expect.any(Number),
        offset_ms: said.offset_ms,
        drift_ppm: 0,
        confidence: expect.any(Number),
        speech_s: expect.any(Number),
      },
    ]);
    expect(existsSync(path('untouched.mkv'))).toBe(false);
  }, 180_000);

  test('finds by how much the sound is late, repairs it without touching the picture, and proves it', async () => {
    const args = ['sync', 'late.mkv', '-o', 'repaired.mkv', '--report', 'late.html', '--json'];
    const { code, stdout, stderr } = await soundstage(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const said = JSON.parse(stdout) as { offset_ms: number; after: { offset_ms: number } };
    expect(said).toMatchObject({
      verdict: 'offset',
      repaired: true,
      output: path('repaired.mkv'),
      report: path('late.html'),
      after: { verdict: 'in_sync' },
    });
    expect(Math.abs(said.offset_ms - 300)).toBeLessThan(80);
    expect(Math.abs(said.after.offset_ms)).toBeLessThan(40);
    expect(await hashVideoPackets(path('repaired.mkv'))).toBe(await hashVideoPackets(late));
    expect(readFileSync(path('late.html'), 'utf8').includes('src="./repaired.mkv"')).toBe(true);
  }, 180_000);
});
