import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { FoleyResult, JobState } from '@soundstage/contracts';
import { createAdapters } from '@soundstage/adapters';
import {
  commonConfig,
  createLogger,
  createPlatform,
  readConfig,
  writeJson,
  type Manifest,
  type Platform,
} from '@soundstage/core';
import { temporaryFolder } from '@soundstage/core/testing';
import type { Item } from './item.js';
import { account } from './ledger.js';

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let platform: Platform;
let worlds = 0;

beforeAll(async () => {
  home = await temporaryFolder();
});
beforeEach(async () => {
  const folder = join(home.path, String(worlds++));
  const env = { SOUNDSTAGE_HOME: folder };
  const log = createLogger({ service: 'test', level: 'silent' });
  platform = createPlatform(await createAdapters(folder, env), readConfig(commonConfig, env), log);
});
afterAll(() => home.remove());

/** A job that was done as it should be: its result in the store, its manifest beside it. */
async function doneItem(requestId: string): Promise<Item> {
  const spec = { fileName: requestId };
  const { id } = await platform.jobs.create({ kind: 'foley', spec, requestId });
  const { sha256 } = await platform.store.put(`work/foley/${requestId}/out.mp4`, Buffer.from(requestId));
  const video = { key: `work/foley/${requestId}/out.mp4`, sha256 };
  const value = FoleyResult.fromPartial({ candidates: [{ video }] });
  await addManifest(requestId, id, spec);
  const job = await platform.jobs.update(id, (now) => {
    now.state = JobState.SUCCEEDED;
    now.result = { $case: 'foley', value };
  });
  return { requestId, expected: 'result', jobs: [id], ends: new Map([[id, job]]), submittedMs: 0, endedMs: 1 };
}

async function addManifest(name: string, jobId: string, spec: unknown): Promise<void> {
  const manifest: Partial<Manifest> = { kind: 'foley', key: name, spec, jobId };
  await writeJson(platform.store, `work/foley/${name}/manifest.json`, manifest);
}

describe('The ledger', () => {
  test('finds nothing where all is as it should be', async () => {
    const found = await account(platform, [await doneItem('a'), await doneItem('b')]);
    expect(found).toEqual({ jobs: 2, results: 2, refusals: 0, lost: [], doubled: [], otherwise: [] });
  });

  test('finds a job that never ended, one that was never made, and one without a name for its failure', async () => {
    const open = await doneItem('open');
    open.endedMs = undefined;
    const never: Item = { ...open, requestId: 'never', jobs: [], ends: new Map() };
    const { id } = await platform.jobs.create({ kind: 'foley', spec: { n: 1 } });
    const failed = await platform.jobs.update(id, (job) => void (job.state = JobState.FAILED));
    const nameless: Item = { ...open, requestId: 'nameless', jobs: [id], ends: new Map([[id, failed]]), endedMs: 1 };
    const { lost, otherwise } = await account(platform, [open, never, nameless]);
    expect(lost).toEqual([
      expect.stringContaining('open: job'),
      'never: no job was made of it',
      expect.stringContaining('nameless: job'),
    ]);
    expect(otherwise).toEqual([expect.stringContaining('nameless')]);
  });

  test('finds a result that is gone, another, or without a manifest', async () => {
    const [gone, other, bare] = [await doneItem('gone'), await doneItem('other'), await doneItem('bare')];
    await platform.store.delete('work/foley/gone/out.mp4');
    await platform.store.put('work/foley/other/out.mp4', Buffer.from('changed'));
    await platform.store.delete('work/foley/bare/manifest.json');
    const { lost } = await account(platform, [gone, other, bare]);
    expect(lost).toEqual([
      expect.stringMatching(/^gone: .*is not there$/),
      expect.stringMatching(/^other: .*is another$/),
      expect.stringMatching(/^bare: .*has no manifest$/),
    ]);
  });

  test('finds a second job for one request, a second manifest for one work, and a manifest beside a failure', async () => {
    const item = await doneItem('twice');
    await addManifest('twice-again', item.jobs[0]!, { fileName: 'twice' });
    const stranger = await platform.jobs.create({ kind: 'foley', spec: {} });
    const { id } = await platform.jobs.create({ kind: 'foley', spec: { n: 2 } });
    await addManifest('failed', id, { n: 2 });
    const failed = await platform.jobs.update(id, (job) => {
      job.state = JobState.FAILED;
      job.error = { reason: 'BAD_INPUT', message: 'It is no clip.' };
    });
    const both: Item = { ...item, requestId: 'both', expected: 'refusal', jobs: [id], ends: new Map([[id, failed]]) };
    const { doubled } = await account(platform, [item, both]);
    expect(doubled).toEqual([
      `job ${stranger.id}: nobody asked for it`,
      expect.stringMatching(/^twice: .*has 2 manifests$/),
      expect.stringMatching(/^both: .*failed, and has a manifest$/),
    ]);
  });

  test('finds a job that changed after its end', async () => {
    const item = await doneItem('late');
    const [id, end] = [...item.ends][0]!;
    item.ends.set(id, { ...end, attempt: 3 });
    expect((await account(platform, [item])).doubled).toEqual([`late: job ${id} changed after its end`]);
  });
});
