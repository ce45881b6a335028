import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { openBucket } from '@soundstage/adapters';
import { gcsServer, startGcsServer } from '@soundstage/adapters-gcp/testing';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { longTest } from '@soundstage/core/contract-tests';
import { startTestServices, until, withEnvironment, type TestServices } from '@soundstage/core/testing';
import { createInferenceWith, type MeterOf } from '@soundstage/inference';
import { hashVideoPackets } from '@soundstage/media';
import { MAIN, makeMedia, testFolder } from '../../testing/run-cli.js';

const REPOSITORY = new URL('../../../../../', import.meta.url);
const folder = testFolder();
const { path } = folder;
let services: TestServices;

/** What the inference service's own tests make clips with, and measure them with. */
const testing = async <T>(name: string) =>
  (await import(new URL(`services/inference/dist/testing/${name}.js`, REPOSITORY).href)) as T;

beforeAll(async () => {
  const { flashMeterOf } = await testing<{ flashMeterOf: MeterOf }>('flash-meter');
  const { flashes, clicks } = await testing<{ flashes(): string[]; clicks(lateMs: number): string[] }>('flash-clip');
  const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-c:a', 'aac'];
  mkdirSync(path('films/sub'), { recursive: true });
  makeMedia(...flashes(), ...clicks(240), ...coded, path('films/=late.mp4'));
  makeMedia(...flashes(), ...clicks(0), ...coded, path('films/fine.mp4'));
  makeMedia(...flashes(), ...clicks(-180), ...coded, path('films/sub/early.mkv'));
  makeMedia(...flashes(), '-c:v', 'libx264', path('films/silent.mp4'));
  makeMedia('-i', path('films/fine.mp4'), '-frames:v', '1', path('films/photo.png'));
  writeFileSync(path('films/old.sync.mp4'), 'a result');
  services = await withEnvironment({ SOUNDSTAGE_MODEL_THREADS: '1' }, () =>
    startTestServices(createLocalAdapters, [createInferenceWith(flashMeterOf)], path('service')),
  );
}, 180_000);

afterAll(async () => {
  await services?.drain();
  folder.remove();
}, 60_000);

/** What a report's players play. */
const playedBy = (report: string) =>
  [...readFileSync(path(report), 'utf8').matchAll(/<video[^>]* src="([^"]*)"/g)].map(([, url]) => url);

const args = (...more: string[]) => ['sync', 'films', '--server', services.address, ...more];

async function batch(...more: string[]) {
  const { code, stdout, stderr } = await folder.soundstage(args('--json', ...more));
  expect(stderr).toBe('');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const summary = lines.pop();
  const films = Object.fromEntries(lines.map((line) => [(line.input as string).slice('films/'.length), line]));
  return { code, films, summary };
}

describe('soundstage sync FOLDER', () => {
  test('measures without -o: a line for each film, figures where --csv says, and nothing else', async () => {
    const before = readdirSync(folder.root);
    const { code, films, summary } = await batch('--csv', 'figures.csv', '--parallel', '1');
    expect(code).toBe(2);
    expect(Object.keys(films)).toEqual(['=late.mp4', 'fine.mp4', 'silent.mp4', 'sub/early.mkv']);
    expect(films['fine.mp4']).toMatchObject({ state: 'done', error: null, verdict: 'in_sync', repaired: false });
    expect(films['silent.mp4']).toMatchObject({ state: 'refused', error: expect.stringContaining('no sound') });
    expect(summary).toMatchObject({ verdicts: { in_sync: 1, offset: 2 }, repaired: 0, report: null, passed_over: 2 });
    expect(readFileSync(path('figures.csv'), 'utf8')).toMatch(
      /^file,verdict,reason,offset_ms,.*\r\n'=late\.mp4,offset,/,
    );
    expect(readdirSync(folder.root).filter((name) => !before.includes(name))).toEqual(['figures.csv']);
  }, 180_000);

  test('goes on after a kill, repairs what can be repaired, and copies nothing else', async () => {
    const child = spawn(process.execPath, [MAIN, ...args('-o', 'out', '-q')], {
      cwd: folder.root,
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    const records = () =>
      existsSync(path('out/.soundstage/sync-records')) ? readdirSync(path('out/.soundstage/sync-records')) : [];
    await until(() => records().length > 0, 60_000);
    child.kill('SIGKILL');
    await ended;

    const { code, films, summary } = await batch('-o', 'out');
    expect(code).toBe(2);
    expect(summary).toMatchObject({ refused: 1, failed: 0, stopped: false, repaired: 2 });
    expect(films['=late.mp4']).toMatchObject({ verdict: 'offset', repaired: true, after: { verdict: 'in_sync' } });
    expect(films['sub/early.mkv']).toMatchObject({ output: path('out/sub/early.mkv') });
    const results = readdirSync(path('out'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => !name.startsWith('.'),
    );
    expect(results.sort()).toEqual([
      '=late.mp4',
      '=late.mp4.sync.html',
      'fine.mp4.sync.html',
      'report.html',
      'sub',
      'sub/early.mkv',
      'sub/early.mkv.sync.html',
      'sync.csv',
    ]);
    expect(await hashVideoPackets(path('out/=late.mp4'))).toBe(await hashVideoPackets(path('films/=late.mp4')));
    // The report plays both films from where they lie.
    expect(playedBy('out/sub/early.mkv.sync.html')).toEqual(['../../films/sub/early.mkv', './early.mkv']);
  }, 180_000);

  test('tells all of it in sync.csv, and in a page that leads to the reports', () => {
    const [columns, ...rows] = readFileSync(path('out/sync.csv'), 'utf8').trimEnd().split('\r\n');
    expect(columns).toMatch(
      /^file,verdict,reason,offset_ms,drift_ppm,segments,confidence,speech_s,repaired,after_offset_ms,after_verdict,output,report,error,/,
    );
    expect(rows).toHaveLength(4);
    expect(rows[0]).toMatch(
      /^'=late\.mp4,offset,,2[34]\d(\.\d)?,0,1,0\.9,\d+,yes,-?\d.*,in_sync,'=late\.mp4,'=late\.mp4\.sync\.html,,/,
    );
    expect(rows[1]).toMatch(/^fine\.mp4,in_sync,,.*,no,,,,fine\.mp4\.sync\.html,,/);
    expect(rows[2]).toMatch(/^silent\.mp4,,,.*no sound.*,refused,/);
    const links = [...readFileSync(path('out/report.html'), 'utf8').matchAll(/href="(\.[^"]*)"/g)].map(
      ([, url]) => url,
    );
    expect(links).toEqual(expect.arrayContaining(['./sync.csv', './%3Dlate.mp4.sync.html', './sub/early.mkv']));
  });

  test('does only what is missing when it is run again, and leaves what is there with other settings', async () => {
    const whole = statSync(path('out/=late.mp4')).mtimeMs;
    const again = await batch('-o', 'out');
    expect(again.films['=late.mp4']).toMatchObject({ state: 'skipped', error: 'there already', repaired: true });
    expect(again.films['fine.mp4']).toMatchObject({ state: 'skipped', verdict: 'in_sync' });
    const other = await batch('-o', 'out', '--range', '2');
    expect(other.films['=late.mp4']).toMatchObject({ state: 'skipped', error: expect.stringContaining('--force') });
    expect(statSync(path('out/=late.mp4')).mtimeMs).toBe(whole);
  }, 180_000);

  test('leaves a repaired film where it is when its original is only measured anew', async () => {
    const { films } = await batch('-o', 'out', '--measure', '--force');
    expect(films['=late.mp4']).toMatchObject({ state: 'done', repaired: false, output: null });
    expect(existsSync(path('out/=late.mp4'))).toBe(true);
  }, 180_000);

  test('has one film repaired by the service, and made a page of it here', async () => {
    symlinkSync(path('films/sub/early.mkv'), path('early.mkv'));
    const one = ['sync', 'early.mkv', '-o', 'one.mkv', '--report', 'one.html', '--server', services.address, '-q'];
    const { code, stdout, stderr } = await folder.soundstage(one);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^early\.mkv: The sound comes 1[78]\d ms early/);
    expect(stdout).toContain(`Repaired film    ${path('one.mkv')}`);
    expect(playedBy('one.html')).toEqual(['./early.mkv', './one.mkv']);
    const kind = await folder.soundstage(['sync', 'early.mkv', '-o', 'one.mp4', '--server', services.address]);
    expect(kind).toMatchObject({ code: 2, stderr: expect.stringContaining('makes a .mkv') });
  }, 180_000);

  test('refuses what fits no folder, and a folder without films', async () => {
    const refused = async (...more: string[]) => {
      const { code, stderr } = await folder.soundstage(args(...more));
      return [code, stderr] as const;
    };
    const said = (words: string) => [2, expect.stringContaining(words)];
    expect(await refused('--report', 'a.html')).toEqual(said('for one film'));
    expect(await refused('-o', 'films')).toEqual(said('example films/sync'));
    expect(await refused('--csv', 'figures.csv')).toEqual(said('another name with --csv'));
    mkdirSync(path('nothing'));
    const none = await folder.soundstage(['sync', 'nothing', '--server', services.address]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining(`no video below nothing`) });
  }, 180_000);

  longTest(
    'takes a prefix of a bucket to another, and makes nothing twice',
    async () => {
      if (gcsServer === undefined) return console.log('skipped: the stand-in for buckets isn’t there');
      const server = await startGcsServer();
      try {
        const env = { STORAGE_EMULATOR_HOST: server.url, SOUNDSTAGE_LEASE_S: '1' };
        const [from, to] = ['in', 'out'].map((name) => `gs://${server.bucket}/${name}`);
        const bucket = await openBucket(server.bucket, env);
        await bucket.put('in/sub/late.mp4', { path: path('films/=late.mp4') }, { mediaType: 'video/mp4' });
        await bucket.put('in/fine.mp4', { path: path('films/fine.mp4') }, { mediaType: 'video/mp4' });
        const run = () =>
          folder.soundstage(['sync', from!, '-o', to!, '--server', services.address, '--json'], { env });
        const summaryOf = (stdout: string) => JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as object;
        const first = await run();
        expect(first).toMatchObject({ code: 0, stderr: '' });
        expect(summaryOf(first.stdout)).toMatchObject({ done: 2, repaired: 1, csv: `${to}/sync.csv` });
        expect(summaryOf((await run()).stdout)).toMatchObject({ done: 0, skipped: 2, repaired: 1 });
        const names: string[] = [];
        for await (const { name } of bucket.list('out/')) if (!name.includes('/.soundstage/')) names.push(name);
        const results = ['fine.mp4.sync.html', 'report.html', 'sub/late.mp4', 'sub/late.mp4.sync.html', 'sync.csv'];
        expect(names.sort()).toEqual(results.map((name) => `out/${name}`));
        // It lies where neither film can be played from.
        const page = (await bucket.read('out/sub/late.mp4.sync.html'))!.toString('utf8');
        expect(page.includes('<video')).toBe(false);
      } finally {
        await server.kill();
      }
    },
    180_000,
  );
});
