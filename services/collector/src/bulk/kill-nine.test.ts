import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { BulkCollectionSpec, CollectorServiceService, CreateBulkCollectionRequest } from '@soundstage/contracts';
import { longTest } from '@soundstage/core/contract-tests';
import {
  createTestClient,
  makeTestClip,
  startServiceProcess,
  temporaryFolder,
  type ServiceProcess,
} from '@soundstage/core/testing';
import type { ReportLine } from './outcome.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
/** Of these every seventh is no clip, and every tenth the same as the one before. */
const FILES = 60;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let collectors: ServiceProcess[] = [];
let env: Record<string, string>;
const start = async () => {
  collectors = [await startServiceProcess(MAIN, env), await startServiceProcess(MAIN, env)];
};

beforeAll(async () => {
  home = await temporaryFolder();
  const folder = join(home.path, 'clips');
  await mkdir(folder);
  await makeTestClip(join(home.path, 'clip.mp4'), { seconds: 1, sound: false, size: '32x32' });
  const clip = await readFile(join(home.path, 'clip.mp4'));
  for (let n = 0; n < FILES; n++) {
    // What stands behind the end of an mp4 file makes its bytes others, and nothing else.
    const own = Buffer.from(String(n % 10 === 9 ? n - 1 : n).padStart(8, '0'));
    const free = Buffer.concat([Buffer.from([0, 0, 0, 16]), Buffer.from('free'), own]);
    const content = n % 7 === 3 ? Buffer.from(`no clip ${n}`) : Buffer.concat([clip, free]);
    await writeFile(join(folder, `${String(n).padStart(3, '0')}.mp4`), content);
  }
  env = { SOUNDSTAGE_HOME: home.path, SOUNDSTAGE_COLLECT_DIR: folder, SOUNDSTAGE_COLLECT_CONCURRENCY: '2' };
}, 60_000);

afterAll(async () => {
  await Promise.all(collectors.map((collector) => collector.stop('SIGKILL')));
  await home.remove();
});

longTest(
  'a bulk collection shared by two collectors, which are killed −9 three times, ends each clip exactly once',
  async () => {
    await start();
    let client = createTestClient(collectors[0]!.address);
    const spec = BulkCollectionSpec.fromPartial({ source: { $case: 'folder', value: '.' } });
    const request = CreateBulkCollectionRequest.fromPartial({ requestId: 'killed', spec });
    const { job } = await client.call(CollectorServiceService.createBulkCollection, request);
    const id = job!.id;
    for (const share of [0.1, 0.35, 0.7]) {
      await client.waitFor(id, ({ fraction }) => fraction > share, 120_000);
      client.close();
      await Promise.all(collectors.map((collector) => collector.stop('SIGKILL')));
      await start();
      client = createTestClient(collectors[0]!.address);
    }
    const ended = await client.untilEnded(id, 200_000);
    expect(ended.error).toBeUndefined();
    const result = await client.resultOf(id, 'bulkCollection');
    const lines = (await client.download(result.report!.key))
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ReportLine);
    client.close();

    const wrong = Array.from({ length: FILES }, (_, n) => n).filter((n) => n % 7 === 3);
    const twins = Array.from({ length: FILES }, (_, n) => n).filter(
      (n) => n % 10 === 9 && !wrong.includes(n) && !wrong.includes(n - 1),
    );
    expect(lines.map(({ source }) => Number(source.slice(0, 3)))).toEqual(Array.from({ length: FILES }, (_, n) => n));
    expect(lines.flatMap(({ outcome }, n) => (outcome === 'refused' ? [n] : []))).toEqual(wrong);
    expect(result).toMatchObject({
      itemCount: FILES,
      refusedCount: wrong.length,
      duplicateCount: twins.length,
      collectedCount: FILES - wrong.length - twins.length,
      skippedCollectedCount: 0,
      notReachedCount: 0,
      refusals: [{ reason: 'unreadable', count: wrong.length }],
    });
    // Every item had one job, and every clip is there once.
    expect(new Set(lines.map(({ job_id }) => job_id)).size).toBe(FILES);
    const hashes = new Set(lines.flatMap(({ clip }) => (clip ? [clip.sha256] : [])));
    expect(hashes.size).toBe(FILES - wrong.length - twins.length);
  },
  400_000,
);
