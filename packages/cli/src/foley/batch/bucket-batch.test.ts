import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { openBucket, type Bucket } from '@soundstage/adapters';
import { gcsServer, startGcsServer, type GcsTestServer } from '@soundstage/adapters-gcp/testing';
import { JobServiceService } from '@soundstage/contracts';
import { longTest } from '@soundstage/core/contract-tests';
import { createTestClient, startServiceProcess, until, type ServiceProcess } from '@soundstage/core/testing';
import { probe } from '@soundstage/media';
import { MAIN, makeClip, testFolder } from '../../testing/run-cli.js';

const LIMIT_MS = 180_000;
const INFERENCE = new URL('../../../../../services/inference/dist/main.js', import.meta.url).pathname;

const folder = testFolder();
const { path } = folder;
let server: GcsTestServer;
let bucket: Bucket;
let inference: ServiceProcess;
let env: Record<string, string>;

const start = gcsServer === undefined ? describe.skip : describe;
if (gcsServer === undefined)
  console.log(
    'The tests of batches over a bucket are skipped: its stand-in isn’t there (./soundstage test fetches it)',
  );

async function putClip(name: string): Promise<void> {
  // As a person's own tool does: without any metadata of ours.
  const url = `${server.url}/upload/storage/v1/b/${server.bucket}/o?uploadType=media&name=${encodeURIComponent(name)}`;
  const body = readFileSync(path('clip.mp4'));
  expect((await fetch(url, { method: 'POST', headers: { 'content-type': 'video/mp4' }, body })).status).toBe(200);
}

async function generations(prefix: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, generation } of bucket.list(prefix)) found[name.slice(prefix.length)] = generation;
  return found;
}

const args = (...more: string[]) => ['foley', `gs://${server.bucket}/in`, '--quality', 'draft', ...more];
const there = () => ['--server', `inference=${inference.address}`];

start('soundstage foley gs://…', () => {
  beforeAll(async () => {
    makeClip(path('clip.mp4'));
    server = await startGcsServer();
    env = { STORAGE_EMULATOR_HOST: server.url, SOUNDSTAGE_LEASE_S: '1', SOUNDSTAGE_SERVER: '' };
    bucket = await openBucket(server.bucket, env);
    inference = await startServiceProcess(INFERENCE, {
      SOUNDSTAGE_HOME: path('service'),
      SOUNDSTAGE_MODEL_THREADS: '2',
    });
    for (const name of ['in/1.mp4', 'in/sub/zwei – 2.mp4', 'in/.hidden.mp4', 'in/notes.txt', 'elsewhere/3.mp4'])
      await putClip(name);
  }, LIMIT_MS);
  afterAll(async () => {
    await inference?.stop('SIGKILL');
    await server?.kill();
    folder.remove();
  }, LIMIT_MS);

  test(
    'goes on after a kill: each object gets one result, by one job of the service, and none is made twice',
    async () => {
      const out = `gs://${server.bucket}/out`;
      const child = spawn(process.execPath, [MAIN, ...args('-o', out, '-q', '--parallel', '1', ...there())], {
        env: { ...process.env, NODE_OPTIONS: '', ...env },
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      // The second is under way: the first has its video and its record, the second a record alone.
      await until(async () => Object.keys(await generations('out/.soundstage/records/')).length === 2, LIMIT_MS);
      child.kill('SIGKILL');
      await ended;
      const before = await generations('out/');
      expect(before['1.mp4']).toBeDefined();
      expect(before['.soundstage/lock']).toBeDefined();

      const again = await folder.soundstage(args('-o', out, '--json', ...there()), { env });
      expect(again).toMatchObject({ code: 0, stderr: '' });
      const lines = again.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines).toMatchObject([
        { input: `gs://${server.bucket}/in/1.mp4`, state: 'skipped', reason: 'there already' },
        { input: `gs://${server.bucket}/in/sub/zwei – 2.mp4`, output: `${out}/sub/zwei – 2.mp4` },
        { summary: true, files: 2, refused: 0, failed: 0, stopped: false, passed_over: 1, csv: `${out}/foley.csv` },
      ]);
      const after = await generations('out/');
      expect(after['1.mp4']).toBe(before['1.mp4']);
      const results = Object.keys(after).filter((name) => !name.startsWith('.soundstage/'));
      expect(results.sort()).toEqual(['1.mp4', 'foley.csv', 'report.html', 'sub/zwei – 2.mp4']);
      expect(after['.soundstage/lock']).toBeUndefined();

      const made = (await bucket.stat('out/sub/zwei – 2.mp4'))!;
      await bucket.download(made, path('made.mp4'));
      const { audio, durationS } = await probe(path('made.mp4'));
      expect(audio).toBeDefined();
      expect(durationS).toBeCloseTo(2, 0);
      // Equal clips are one file for the service, and two jobs, since they are called differently.
      const client = createTestClient(inference.address);
      const { jobs } = await client.call(JobServiceService.listJobs, { kind: 'foley', pageSize: 100, pageToken: '' });
      client.close();
      expect(jobs).toHaveLength(2);
    },
    LIMIT_MS,
  );

  test(
    'makes several films at once, and tells of them in their order',
    async () => {
      const names = ['1', '2', '3', '4', '5'].map((number) => `five/${number}.mp4`);
      for (const name of names) await putClip(name);
      const out = `gs://${server.bucket}/five-out`;
      const said = await folder.soundstage(
        ['foley', `gs://${server.bucket}/five`, '-o', out, '--only', 'cues', '--parallel', '3', ...there()],
        { env },
      );
      expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('5 done') });
      const csv = (await bucket.read('five-out/foley.csv'))!.toString('utf8');
      expect(csv.match(/\d(?=\.mp4,)/g)).toEqual(['1', '2', '3', '4', '5']);
      const cues = Object.keys(await generations('five-out/')).filter((name) => name.endsWith('.cues.json'));
      expect(cues).toHaveLength(5);
      const client = createTestClient(inference.address);
      const { jobs } = await client.call(JobServiceService.listJobs, { kind: 'foley', pageSize: 5, pageToken: '' });
      client.close();
      // The third was asked for before the first had ended.
      const asked = jobs.map(({ createTime }) => createTime!.getTime()).sort((a, b) => a - b);
      const ended = jobs.map(({ updateTime }) => updateTime!.getTime()).sort((a, b) => a - b);
      expect(asked[2]).toBeLessThan(ended[0]!);
    },
    LIMIT_MS,
  );

  test(
    'tells what is wrong for all of them once, with exit code 2, and writes nothing',
    async () => {
      const refused = async (...more: string[]) => {
        const { code, stderr } = await folder.soundstage(args(...more), { env });
        return [code, stderr] as const;
      };
      const said = (words: string) => [2, expect.stringContaining(words)];
      const none = `gs://${server.bucket}/none`;
      expect(await refused('-o', none, '--sound', 'flobberworm', ...there())).toEqual(said('flobberworm'));
      expect(await refused('-o', `gs://${server.bucket}/in/`)).toEqual(said('where the inputs lie'));
      expect(await refused()).toEqual(said('say with -o where'));
      expect(await refused('-o', none, '--parallel', '2')).toEqual(said('--parallel needs --server'));
      expect(await refused('-o', 'gs://A b/c')).toEqual(said('no address of a bucket'));
      expect(await generations('none/')).toEqual({});
    },
    LIMIT_MS,
  );

  test(
    'keeps out a second batch as long as the first one renews its lock',
    async () => {
      const renewing = setInterval(
        () => void bucket.put('busy/.soundstage/lock', new Uint8Array(1), { mediaType: 'a/b' }),
        200,
      );
      try {
        await until(async () => (await bucket.stat('busy/.soundstage/lock')) !== undefined);
        const busy = await folder.soundstage(args('-o', `gs://${server.bucket}/busy`, ...there()), { env });
        expect(busy).toMatchObject({ code: 3, stderr: expect.stringContaining('Another batch writes') });
      } finally {
        clearInterval(renewing);
      }
    },
    LIMIT_MS,
  );

  longTest(
    'takes a folder to a bucket, and one file of this machine to a service and back',
    async () => {
      mkdirSync(path('films'));
      copyFileSync(path('clip.mp4'), path('films/a.mp4'));
      writeFileSync(path('films/broken.mp4'), 'Dear diary');
      const target = `gs://${server.bucket}/mixed`;
      const mixed = await folder.soundstage(['foley', 'films', '-o', target, '--only', 'cues', '-q', ...there()], {
        env,
      });
      expect(mixed).toMatchObject({ code: 2, stdout: expect.stringContaining('1 done, 1 refused') });
      expect(Object.keys(await generations('mixed/'))).toContain('a.mp4.cues.json');
      const single = await folder.soundstage(
        ['foley', 'films/a.mp4', '--quality', 'draft', '--json', '-q', ...there()],
        { env },
      );
      expect(single).toMatchObject({ code: 0 });
      expect((await probe(path('films/a.foley.mp4'))).audio).toBeDefined();
      const kind = await folder.soundstage(['foley', 'films/a.mp4', '-o', 'a.mkv', ...there()], { env });
      expect(kind).toMatchObject({ code: 2, stderr: expect.stringContaining('makes a .mp4') });
    },
    LIMIT_MS,
  );
});
