import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SplitterServiceService } from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { createCollector } from '@soundstage/collector';
import { startTestServices, temporaryFolder, type TestServices } from '@soundstage/core/testing';
import { createSplitter } from '@soundstage/splitter';
import { makeMedia, testFolder, type TestFolder } from '../testing/run-cli.js';
import { readReport } from '../dataset/create.js';
import { datasetNamed } from '../dataset/names.js';
import { readSource } from './source.js';

/** On a busy machine; an idle one takes a tenth of it. */
const LIMIT_MS = 120_000;
let folder: TestFolder;

/** A second of noise and a moving picture: clips of other seeds neither look nor sound alike. */
const makeNoise = (path: string, seed: number) =>
  makeMedia(
    ...['-f', 'lavfi', '-i', `testsrc2=size=64x48:rate=10:duration=1,hue=h=${40 * seed}`],
    ...['-f', 'lavfi', '-i', `anoisesrc=seed=${seed}:duration=1`, '-shortest', path],
  );

beforeAll(async () => {
  folder = testFolder();
  for (const [n, label] of ['wood', 'wood', 'glass', 'glass'].entries()) {
    await mkdir(join(folder.path('clips'), label), { recursive: true });
    makeNoise(join(folder.path('clips'), label, `${n}.mp4`), n + 1);
  }
  await copyFile(join(folder.path('clips'), 'wood', '0.mp4'), join(folder.path('clips'), 'wood', 'same.mp4'));
  await writeFile(join(folder.path('clips'), 'glass', 'broken.mp4'), 'no video at all');
  await writeFile(join(folder.path('clips'), 'glass', 'empty.mp4'), '');
}, LIMIT_MS);

afterAll(() => folder.remove());

const json = <T>(text: string) => JSON.parse(text) as T;
interface Collected {
  items: number;
  collected: number;
  duplicate: number;
  refused: number;
  skipped_collected: number;
  skipped_refused: number;
  not_reached: number;
  reasons: Record<string, number>;
  report: { csv: string; jsonl: string };
}
async function collect(...args: string[]): Promise<Collected> {
  const { stdout, stderr } = await folder.soundstage(['collect', ...args, '--json']);
  expect(stderr).toBe('');
  return json<Collected>(stdout);
}

describe('soundstage collect', () => {
  test(
    'takes a folder in, with labels from its folders and a reason for whatever is refused',
    async () => {
      const told = await collect('clips', '--label-from-folder', '--licence', 'CC0-1.0', '-o', 'report');
      expect(told).toMatchObject({ items: 7, collected: 4, duplicate: 1, refused: 2, reasons: { unreadable: 2 } });
      const lines = (await readFile(told.report.jsonl.replace(/^/, `${folder.root}/`), 'utf8')).trim().split('\n');
      expect(lines.map((line) => json<object>(line))).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ source: 'wood/1.mp4', label: 'wood', licence: 'CC0-1.0', outcome: 'collected' }),
          expect.objectContaining({ source: 'glass/broken.mp4', outcome: 'refused', reason: 'unreadable' }),
          expect.objectContaining({ source: 'glass/empty.mp4', message: 'glass/empty.mp4 is empty (0 bytes).' }),
        ]),
      );
      const csv = (await readFile(folder.path('report.csv'), 'utf8')).split('\n');
      expect(csv[0]).toMatch(/^source,outcome,reason,label,/);
      expect(csv).toHaveLength(9);
    },
    LIMIT_MS,
  );

  test(
    'run again, has nothing to do; with new files it takes those alone, and earlier reports stay',
    async () => {
      const before = await readFile(folder.path('report.csv'), 'utf8');
      makeNoise(folder.path('clips/new.mp4'), 30);
      makeNoise(folder.path('clips/newer.mp4'), 31);
      const told = await collect(
        'clips',
        '--label-from-folder',
        '--licence',
        'CC0-1.0',
        '-o',
        'report',
        '--limit',
        '1',
      );
      expect(told).toMatchObject({ collected: 1, refused: 1, skipped_refused: 1, report: { csv: 'report-2.csv' } });
      expect(told.skipped_collected + told.duplicate + told.not_reached).toBe(6);
      expect(await readFile(folder.path('report.csv'), 'utf8')).toBe(before);
      await rm(folder.path('clips/new.mp4'));
      await rm(folder.path('clips/newer.mp4'));
    },
    LIMIT_MS,
  );

  test(
    'takes a list of addresses, none of which may lead into its own network',
    async () => {
      await writeFile(folder.path('list.txt'), '# mine\nhttp://127.0.0.1/clip.mp4\nno address\n');
      const told = await collect('list.txt');
      expect(told).toMatchObject({ items: 2, refused: 2, reasons: { private_address: 1, bad_url: 1 } });
      expect(existsSync(folder.path('list.txt.collected.csv'))).toBe(true);
    },
    LIMIT_MS,
  );

  test(
    'refuses a source that is none with a sentence',
    async () => {
      await expect(readSource('nowhere')).rejects.toThrow('There is no file or folder nowhere.');
      await expect(readSource('https://example.org/a.mp4')).rejects.toThrow('write it into a file');
      const { code, stderr } = await folder.soundstage(['collect', 'clips', '--server', 'here']);
      expect([code, stderr]).toEqual([2, expect.stringContaining('give host:port')]);
    },
    LIMIT_MS,
  );
});

describe('soundstage dataset', () => {
  interface Version {
    id: string;
    tags?: string[];
    clips: { train?: number; validation?: number; test?: number };
    rejectedCount: number;
  }
  let made: Version;

  test(
    'makes a version of what was collected, and shows it with its page',
    async () => {
      const args = ['dataset', 'create', 'hits', '--from', 'report.jsonl', '--shares', '0.5,0,0.5', '--tag', 'first'];
      made = json<Version>((await folder.soundstage([...args, '--json'])).stdout);
      expect(made).toMatchObject({ clips: { train: 2, test: 2 }, rejectedCount: 2, tags: ['first'] });
      const { stdout } = await folder.soundstage(['dataset', 'show', 'hits@first', '--page', 'hits.html']);
      expect(stdout).toMatch(/Rejected +2: unreadable 2/);
      expect(stdout).toMatch(/glass +1 +0 +1 +/);
      expect(await readFile(folder.path('hits.html'), 'utf8')).toMatch(/^<!doctype html>/i);
    },
    LIMIT_MS,
  );

  test(
    'lists, tags and compares versions',
    async () => {
      const args = ['dataset', 'create', 'hits', '--from', 'report.jsonl', '--shares', '1,0,0', '--json'];
      const second = json<Version>((await folder.soundstage(args)).stdout);
      await folder.soundstage(['dataset', 'tag', 'hits', 'reviewed']);
      const listed = await folder.soundstage(['dataset', 'list']);
      expect(listed.stdout).toContain(`first→${made.id.slice(0, 12)} reviewed→${second.id.slice(0, 12)}`);
      const { stdout } = await folder.soundstage(['dataset', 'compare', 'hits@first', 'hits@reviewed', '--json']);
      expect(json<object>(stdout)).toMatchObject({ moved: 2, unchanged: 2, added: 0 });
    },
    LIMIT_MS,
  );

  test(
    'writes a version into a folder',
    async () => {
      const { stdout } = await folder.soundstage(['dataset', 'export', 'hits@first', '--to', 'exported', '--json']);
      expect(json<object>(stdout)).toMatchObject({ version: made.id, folder: folder.path('exported') });
      const manifest = (await readFile(folder.path('exported/manifest.jsonl'), 'utf8')).trim().split('\n');
      expect(manifest).toHaveLength(4);
    },
    LIMIT_MS,
  );

  test(
    'says what is missing',
    async () => {
      await expect(readReport(folder.path('report.csv'))).rejects.toThrow('Line 1 of report.csv');
      expect(() => datasetNamed('@first')).toThrow('NAME@VERSION');
      const { code, stderr } = await folder.soundstage(['dataset', 'show', 'nothing']);
      expect([code, stderr]).toEqual([2, expect.stringContaining('no dataset "nothing"')]);
    },
    LIMIT_MS,
  );
});

describe('With services that run elsewhere', () => {
  let home: Awaited<ReturnType<typeof temporaryFolder>>;
  let services: TestServices;
  beforeAll(async () => {
    home = await temporaryFolder();
    services = await startTestServices(createLocalAdapters, [createCollector, createSplitter], home.path);
  }, LIMIT_MS);
  afterAll(async () => {
    await services.drain();
    await home.remove();
  }, LIMIT_MS);

  test(
    'clips are sent there, and the dataset is made there',
    async () => {
      const server = ['--server', services.address];
      expect(await collect('clips', '-o', 'remote', ...server)).toMatchObject({
        collected: 4,
        duplicate: 1,
        refused: 2,
      });
      const made = await folder.soundstage(['dataset', 'create', 'far', '--from', 'remote.jsonl', '--json', ...server]);
      const { dataset } = await services.client.call(SplitterServiceService.getDataset, { name: 'far', version: '' });
      expect(json<{ id: string }>(made.stdout).id).toBe(dataset?.latestVersion);
    },
    LIMIT_MS,
  );
});
