import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BulkCollectionSpec,
  CollectorServiceService,
  CreateBulkCollectionRequest,
  JobState,
  type BulkCollectionResult,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  makeTestClip,
  startTestServices,
  temporaryFolder,
  until,
  withEnvironment,
  type TestServices,
} from '@soundstage/core/testing';
import { createCollector } from '../index.js';
import { makeSound } from '../testing/make-sound.js';
import { startWebServer, type TestServer } from '../testing/web-servers.js';
import type { ReportLine } from './outcome.js';

const FAKE = fileURLToPath(new URL('../../src/testing/fake-yt-dlp', import.meta.url));

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let web: TestServer;
let folder: string;
const asked: { path: string; atMs: number }[] = [];
let open = 0;
let mostOpen = 0;

beforeAll(async () => {
  home = await temporaryFolder();
  folder = join(home.path, 'clips');
  await mkdir(join(folder, 'wood'), { recursive: true });
  await mkdir(join(folder, 'glass'));
  await makeSound(join(home.path, 'notes.wav'), 7, 6);
  const withSound = (name: string, hue: number, ...sound: string[]) =>
    execFileSync('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=64x48:rate=10:duration=6,hue=h=${hue}`],
      ...['-i', join(home.path, 'notes.wav'), '-c:v', 'libx264', '-preset', 'ultrafast', ...sound, join(folder, name)],
    ]);
  withSound('wood/a.mp4', 0, '-c:a', 'aac', '-b:a', '128k');
  await copyFile(join(folder, 'wood/a.mp4'), join(folder, 'wood/b-the-same.mp4'));
  withSound('wood/c-again.mkv', 90, '-af', 'volume=-9dB', '-c:a', 'libmp3lame', '-b:a', '64k');
  await makeTestClip(join(folder, 'glass/silent.mp4'), { seconds: 1, sound: false, size: '64x48' });
  await writeFile(join(folder, 'glass/words.mp4'), 'these are words, not pictures\n'.repeat(50));
  await writeFile(join(folder, '.hidden'), 'x');
  await makeTestClip(join(home.path, 'clip.mp4'), { seconds: 1, sound: false, size: '64x64' });
  await copyFile(FAKE, join(home.path, 'yt-dlp'));
  await chmod(join(home.path, 'yt-dlp'), 0o755);

  const clips = await Promise.all(
    [1, 2, 3, 4, 5, 6].map(async (n) => {
      const path = join(home.path, `web-${n}.mp4`);
      await makeTestClip(path, { seconds: 1, sound: false, size: '32x32', seed: 40 * n });
      return readFile(path);
    }),
  );
  web = await startWebServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, atMs: Date.now() });
    mostOpen = Math.max(mostOpen, ++open);
    response.on('close', () => open--);
    const number = Number(/^\/clip-(\d)/.exec(path)?.[1]);
    if (path === '/clip-1' && asked.filter((a) => a.path === path).length === 1) {
      response.writeHead(429, { 'retry-after': '2' }).end();
    } else if (number) {
      // Long enough for others to come at the same time, if they may.
      setTimeout(() => response.writeHead(200, { 'content-type': 'video/mp4' }).end(clips[number - 1]), 400);
    } else if (path === '/inside') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    else if (path === '/page') response.writeHead(200, { 'content-type': 'text/html' }).end('<p>');
    else response.writeHead(404).end();
  });
  const env = {
    SOUNDSTAGE_COLLECT_DIR: folder,
    SOUNDSTAGE_COLLECT_ALLOW: web.host,
    SOUNDSTAGE_YT_DLP: join(home.path, 'yt-dlp'),
    SOUNDSTAGE_COLLECT_CONCURRENCY: '6',
  };
  services = await withEnvironment(env, () => startTestServices(createLocalAdapters, [createCollector], home.path));
}, 120_000);

afterAll(async () => {
  await services.drain();
  await web.close();
  await home.remove();
});

type Source = NonNullable<BulkCollectionSpec['source']>;

async function create(source: Source, more: Partial<BulkCollectionSpec> = {}): Promise<string> {
  const spec = BulkCollectionSpec.fromPartial({ source, ...more } as never);
  const request = CreateBulkCollectionRequest.fromPartial({ spec });
  const { job } = await services.client.call(CollectorServiceService.createBulkCollection, request);
  return job!.id;
}

async function collect(source: Source, more: Partial<BulkCollectionSpec> = {}) {
  const id = await create(source, more);
  const job = await services.client.untilEnded(id, 100_000);
  if (job.result?.$case !== 'bulkCollection') throw new Error(`${job.error?.reason}: ${job.error?.message}`);
  const result: BulkCollectionResult = job.result.value;
  const report = (await services.client.download(result.report!.key)).toString('utf8').trim().split('\n');
  const lines = report.map((line) => JSON.parse(line) as ReportLine);
  const csv = (await services.client.download(result.reportCsv!.key)).toString('utf8').trim().split('\n');
  const outcomes = Object.fromEntries(lines.map(({ source: name, outcome, reason }) => [name, reason ?? outcome]));
  return { id, job, result, lines, csv, outcomes };
}
const upload = (text: string) => services.client.upload(Buffer.from(text), 'text/plain');
const ofFolder = (value: string): Source => ({ $case: 'folder', value });
const ofDataset = async (text: string): Promise<Source> => ({
  $case: 'datasetCsv',
  value: { csv: await upload(text), clipS: 0, labels: [], split: '' },
});

describe('a folder', () => {
  test('is collected: new clips, the same bytes, the same sound, and what is none, each by its name', async () => {
    // One after the other, so that it is known which comes first.
    const first = await collect(ofFolder('.'), { labelFromFolder: true, licence: 'CC0-1.0', limit: 1 });
    expect(first.result).toMatchObject({ collectedCount: 1, itemCount: 5 });
    await collect(ofFolder('wood'), { label: 'wood', limit: 1 });
    const { result, lines, csv, job, outcomes } = await collect(ofFolder('.'), { labelFromFolder: true });
    const all = { ...first.outcomes, ...outcomes };
    expect(all['glass/words.mp4']).toBe('unreadable');
    const collected = (await services.platform.store.list('collected/')).length;
    expect(collected).toBe(3);
    expect(result).toMatchObject({ itemCount: 5, notReachedCount: 0 });
    const sum = result.collectedCount + result.duplicateCount + result.refusedCount + result.skippedCollectedCount;
    expect(sum + result.skippedRefusedCount).toBe(5);
    expect(lines.map(({ source }) => source)).toEqual([
      'glass/silent.mp4',
      'glass/words.mp4',
      'wood/a.mp4',
      'wood/b-the-same.mp4',
      'wood/c-again.mkv',
    ]);
    expect(lines[4]).toMatchObject({ label: 'wood', near_duplicate_of: lines[2]!.clip!.sha256 });
    expect(lines[4]!.near_duplicate_distance).toBeLessThan(0.3);
    expect(lines[3]!.clip).toEqual(lines[2]!.clip);
    expect(csv).toHaveLength(6);
    expect(csv[0]).toMatch(/^source,outcome,reason,label/);
    expect(job.steps.map(({ name, fraction }) => [name, fraction])).toEqual([
      ['list', 1],
      ['collect', 1],
      ['report', 1],
    ]);
  }, 120_000);

  test('that was collected is skipped the next time, and what was refused is tried again only when asked to', async () => {
    const again = await collect(ofFolder('.'));
    expect(again.result).toMatchObject({ collectedCount: 0, skippedCollectedCount: 4, skippedRefusedCount: 1 });
    // What is skipped is still part of the list, with all that is known of it.
    expect(again.lines[0]).toMatchObject({ outcome: 'skipped_collected', duration_s: 1 });
    expect(again.lines[0]!.clip!.sha256).toMatch(/^[0-9a-f]{64}$/);
    const insisting = await collect(ofFolder('.'), { retryRefused: true });
    expect(insisting.result).toMatchObject({ refusedCount: 1, refusals: [{ reason: 'unreadable', count: 1 }] });
  }, 60_000);
});

describe('a list of addresses', () => {
  test('is fetched with respect: two at a time of a host, and none while it wants a pause', async () => {
    const names = ['clip-1', 'clip-2', 'clip-3', 'clip-4', 'clip-5', 'clip-6', 'gone', 'inside', 'page', 'clip-1'];
    const list = `# my list\n\n${names.map((name) => `http://${web.host}/${name}`).join('\r\n')}
http://169.254.169.254/latest/meta-data/
http://someone:secret@example.org/clip
ftp://example.org/clip
http://127.0.0.1:1/clip\n`;
    const { result, lines } = await collect({ $case: 'urlList', value: await upload(list) }, { label: 'web' });
    const outcome = (part: string) =>
      lines.filter(({ source }) => source.includes(part)).map((l) => l.reason ?? l.outcome);
    expect(outcome('/clip-')).toEqual(Array.from({ length: 6 }, () => 'collected'));
    expect(outcome('/gone')).toEqual(['http_404']);
    expect(outcome('/inside')).toEqual(['port_refused']);
    expect(outcome('/page')).toEqual(['wrong_content_type']);
    expect(outcome('169.254')).toEqual(['private_address']);
    expect(outcome('example.org')).toEqual(['bad_url', 'bad_url']);
    expect(outcome('127.0.0.1:1/')).toEqual(['port_refused']);
    expect(result).toMatchObject({ itemCount: 13, collectedCount: 6, refusedCount: 7 });
    expect(result.refusals.slice(0, 2)).toEqual([
      { reason: 'bad_url', count: 2 },
      { reason: 'port_refused', count: 2 },
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
    expect(mostOpen).toBe(2);
    const first = asked.filter(({ path }) => path === '/clip-1');
    expect(first).toHaveLength(2);
    expect(first[1]!.atMs - first[0]!.atMs).toBeGreaterThanOrEqual(1900);
    // Nothing else was asked of the host in its pause but the one that was begun at the same time.
    const inPause = asked.filter(
      ({ path, atMs }) => path !== '/clip-2' && atMs > first[0]!.atMs && atMs < first[0]!.atMs + 1900,
    );
    expect(inPause).toEqual([]);
  }, 60_000);
});

describe('a dataset', () => {
  const LIST = `YouTube ID, start seconds, label, split
aPrivateOne,10,"glass, breaking",train
unavailable,20,dog barking,train
aGoodVideo1,30,"glass, breaking",train
noNetworkAt,0,dog barking,test
aGoodVideo2,40,dog barking,test
not an id,1,dog barking,test
`;
  test('is taken N more at a time; what is dead is written down and not asked for again', async () => {
    const first = await collect(await ofDataset(LIST), { limit: 1 });
    expect(first.result).toMatchObject({ itemCount: 6, collectedCount: 1 });
    const good = first.lines.find(({ source }) => source === 'aGoodVideo1 from 30 s');
    expect(good).toMatchObject({ source_id: 'aGoodVideo1', label: 'glass, breaking', dataset_split: 'train' });
    const second = await collect(await ofDataset(LIST));
    expect(second.outcomes).toMatchObject({
      'aGoodVideo1 from 30 s': 'skipped_collected',
      // The same bytes under another id: this program gives everybody the same clip.
      'aGoodVideo2 from 40 s': 'duplicate',
      'noNetworkAt from 0 s': 'unreachable',
      'line 7': 'bad_line',
    });
    const third = await collect(await ofDataset(LIST));
    expect(third.lines.map(({ outcome, reason }) => `${outcome} ${reason ?? ''}`)).toEqual([
      'skipped_refused video_private',
      'skipped_refused video_unavailable',
      'skipped_collected ',
      'refused unreachable',
      'skipped_collected ',
      'refused bad_line',
    ]);
  }, 120_000);

  test('may be taken in part, by label and split', async () => {
    const value = { csv: await upload(LIST), clipS: 0, labels: ['dog barking'], split: 'test' };
    const { lines } = await collect({ $case: 'datasetCsv', value }, { limit: 1 });
    expect(new Set(lines.map(({ label, dataset_split }) => `${label} ${dataset_split}`))).toEqual(
      new Set(['dog barking test']),
    );
  }, 60_000);

  test('needs its program: without it the work is refused at once, with how to get it', async () => {
    const other = await temporaryFolder();
    const env = { SOUNDSTAGE_YT_DLP: join(other.path, 'no-such-program') };
    const bare = await withEnvironment(env, () =>
      startTestServices(createLocalAdapters, [createCollector], other.path),
    );
    const csv = await bare.client.upload(Buffer.from(LIST), 'text/csv');
    const spec = BulkCollectionSpec.fromPartial({ source: { $case: 'datasetCsv', value: { csv } } });
    const request = CreateBulkCollectionRequest.fromPartial({ spec });
    await expect(bare.client.call(CollectorServiceService.createBulkCollection, request)).rejects.toThrow(
      'SOUNDSTAGE_YT_DLP names no program that can be run',
    );
    await bare.drain();
    await other.remove();
  });
});

describe('a bucket', () => {
  test('gives all objects below a prefix', async () => {
    const { store } = services.platform;
    const clip = await readFile(join(home.path, 'clip.mp4'));
    await store.put('incoming/2026/one.mp4', clip);
    await store.put('incoming/2026/two.txt', Buffer.from('no clip'));
    await store.put('outgoing/three.mp4', clip);
    const { result, lines } = await collect({ $case: 'bucketPrefix', value: 'incoming/' });
    expect(result).toMatchObject({ itemCount: 2, refusedCount: 1 });
    expect(lines.map(({ source }) => source)).toEqual(['incoming/2026/one.mp4', 'incoming/2026/two.txt']);
  }, 60_000);
});

describe('a bulk collection', () => {
  test.each<[string, Source | undefined, string]>([
    ['without a source', undefined, 'spec.source'],
    ['of a folder above its own', ofFolder('../'), 'spec.folder'],
    ['of no list', { $case: 'urlList', value: { key: '', sha256: '', sizeBytes: 0n, mediaType: '' } }, 'spec.url_list'],
    ['of everything in the store', { $case: 'bucketPrefix', value: '' }, 'spec.bucket_prefix'],
  ])('%s is refused at once', async (_what, source, field) => {
    await expect(create(source as Source)).rejects.toMatchObject({ reason: 'BAD_INPUT', violations: [{ field }] });
  });

  test('of an empty list fails with a sentence', async () => {
    const id = await create({ $case: 'urlList', value: await upload('# nothing\n') });
    const job = await services.client.untilEnded(id);
    expect(job).toMatchObject({ state: JobState.FAILED, error: { reason: 'BAD_INPUT' } });
    expect(job.error!.message).toContain('nothing to collect');
  });

  test('that is cancelled cancels what it began', async () => {
    const csv = 'aSlowVideo1,1,x,train\naSlowVideo1,2,x,train\naSlowVideo1,3,x,train\n';
    const id = await create(await ofDataset(csv));
    const children = async () => {
      const { jobs } = await services.platform.jobs.list({ kind: 'collection' });
      return jobs.filter(({ parentJobId }) => parentJobId === id);
    };
    await until(async () => (await children()).some(({ state }) => state === JobState.RUNNING));
    await services.client.cancelJob(id);
    expect(await services.client.untilEnded(id)).toMatchObject({ state: JobState.CANCELLED });
    await until(async () => (await children()).every(({ state }) => state === JobState.CANCELLED));
    expect((await children()).length).toBe(2);
  }, 60_000);
});
