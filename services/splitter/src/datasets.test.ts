import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateSplitRequest,
  DatasetChangeKind,
  RejectedClip,
  SplitClip,
  SplitMethod,
  SplitSpec,
  SplitterServiceService as Splitter,
  type DatasetVersion,
  type ObjectRef,
  type SplitResult,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { startTestServices, temporaryFolder, type TestServices } from '@soundstage/core/testing';
import { readSplitterConfig } from './config.js';
import { createSplitStage } from './handler.js';
import { createSplitter, exportDataset, exportDvc } from './index.js';
import type { ManifestLine } from './versions/manifest-lines.js';
import { createDatasetRegistry } from './versions/registry.js';

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let objects: ObjectRef[];

beforeAll(async () => {
  home = await temporaryFolder();
  services = await startTestServices(createLocalAdapters, [createSplitter], home.path);
  objects = await Promise.all(
    Array.from({ length: 30 }, (_, n) => services.client.upload(Buffer.from(`clip ${n}`), 'video/mp4')),
  );
}, 60_000);

afterAll(async () => {
  await services.drain();
  await home.remove();
});

const clipOf = (n: number, change: Partial<SplitClip> = {}) =>
  SplitClip.fromPartial({
    clip: objects[n]!,
    sourceId: `source-${n}`,
    label: n % 2 ? 'wood' : 'glass',
    durationS: 10,
    ownSplit: n < 8 ? 'train' : 'test',
    ...change,
  });
const some = (count: number) => Array.from({ length: count }, (_, n) => clipOf(n));
const submit = (spec: Partial<SplitSpec>) =>
  services.client.call(
    Splitter.createSplit,
    CreateSplitRequest.fromPartial({
      spec: SplitSpec.fromPartial({
        clips: some(10),
        ...(spec.method === SplitMethod.OWN ? {} : { trainShare: 0.6, validationShare: 0.2, testShare: 0.2 }),
        pageSamples: 0,
        ...spec,
        name: spec.name ?? 'clips',
      }),
    }),
  );
async function split(spec: Partial<SplitSpec>): Promise<SplitResult & { version: DatasetVersion }> {
  const { job } = await submit(spec);
  const result = await services.client.resultOf(job!.id, 'split');
  expect(result.version).toBeDefined();
  return result as SplitResult & { version: DatasetVersion };
}
const textOf = async (object: ObjectRef | undefined) => (await services.client.download(object!.key)).toString();
const linesOf = async (object: ObjectRef | undefined) =>
  (await textOf(object))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ManifestLine);
const placesOf = async (object: ObjectRef | undefined) =>
  new Map((await linesOf(object)).map((line) => [line.source_id, line.split]));
const get = (name: string, version = '') => services.client.call(Splitter.getDataset, { name, version });
const compare = (name: string, from: string, to: string, page: { pageSize?: number; pageToken?: string } = {}) =>
  services.client.call(Splitter.compareDatasets, {
    from: { name, version: from },
    to: { name, version: to },
    pageSize: 0,
    pageToken: '',
    ...page,
  });

describe('A version of a dataset', () => {
  test('holds what was asked for, counted by label and split, with what was rejected and why', async () => {
    const rejected = ['silent_sound', 'silent_sound', 'unavailable'].map((reason, n) =>
      RejectedClip.fromPartial({ id: `yt-${n}`, label: 'wood', reason, message: 'It is so.' }),
    );
    const { version, manifest } = await split({ name: 'whole', profile: 'regnet', rejected, seed: 5n });
    expect(version).toMatchObject({
      name: 'whole',
      profile: 'regnet',
      seed: 5n,
      sourceCount: 10,
      durationS: 100,
      unknownDurationCount: 0,
      clips: { train: 6, validation: 2, test: 2 },
      rejectedCount: 3,
      reasons: [
        { reason: 'silent_sound', count: 2 },
        { reason: 'unavailable', count: 1 },
      ],
      warnings: [],
    });
    expect(version.labels.map(({ label, rejected: count }) => [label, count])).toEqual([
      ['glass', 0],
      ['wood', 3],
    ]);
    expect(version.manifest?.sha256).toBe(manifest?.sha256);
    expect((await linesOf(version.rejected)).map((line) => line.id)).toEqual(['yt-0', 'yt-1', 'yt-2']);
    const found = await get('whole');
    expect(found.version).toEqual(version);
    expect(found.dataset).toMatchObject({ name: 'whole', latestVersion: version.id, tags: [] });
  });

  test('is the same one for the same content, whatever the order, the seed or the parent, and never changes', async () => {
    const first = await split({ name: 'same', clips: some(3), trainShare: 1, validationShare: 0, testShare: 0 });
    const again = await split({
      name: 'same',
      clips: some(3).toReversed(),
      ...{ trainShare: 1, validationShare: 0, testShare: 0 },
      seed: 9n,
      parentVersion: first.version.id,
    });
    expect(again.version).toEqual(first.version);
    const { versions } = await services.client.call(Splitter.listDatasetVersions, {
      name: 'same',
      pageSize: 0,
      pageToken: '',
    });
    expect(versions.map(({ id }) => id)).toEqual([first.version.id]);
  });

  test('is found by its id, the first digits of it, or as the newest', async () => {
    const older = await split({ name: 'found', clips: some(4) });
    const newer = await split({ name: 'found', clips: some(5), parentVersion: older.version.id });
    for (const [word, id] of [
      [older.version.id, older.version.id],
      [older.version.id.slice(0, 8), older.version.id],
      ['', newer.version.id],
    ] as const) {
      expect((await get('found', word)).version?.id).toBe(id);
    }
    const history = await services.client.call(Splitter.listDatasetVersions, {
      name: 'found',
      pageSize: 1,
      pageToken: '',
    });
    expect(history.versions.map(({ id, parentVersion }) => [id, parentVersion])).toEqual([
      [newer.version.id, older.version.id],
    ]);
    const rest = await services.client.call(Splitter.listDatasetVersions, {
      name: 'found',
      pageSize: 1,
      pageToken: history.nextPageToken,
    });
    expect(rest.versions.map(({ id }) => id)).toEqual([older.version.id]);
    for (const word of ['0'.repeat(8), '0'.repeat(64), 'no-such-tag', '../../jobs']) {
      await expect(get('found', word)).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    }
    await expect(get('no-such-dataset')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(get('../jobs')).rejects.toMatchObject({ reason: 'BAD_INPUT' });
  });

  test('follows only a version that there is', async () => {
    await expect(submit({ name: 'orphan', parentVersion: '0'.repeat(64) })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      violations: [{ field: 'spec.parent_version' }],
    });
  });

  test('warns of labels that a split lacks, and of entries that repeat a clip', async () => {
    const clips = [...some(8), clipOf(2), clipOf(20, { label: 'rare' })];
    const { version } = await split({ name: 'warned', clips });
    expect(version.warnings.join(' ')).toMatch(/“rare” has no clip in .*1 entry repeated a clip/);
    expect(await linesOf(version.manifest)).toHaveLength(9);
  });
});

describe('Splitting', () => {
  test('can break off anywhere and be done again: what is there is used, and there is one version', async () => {
    const { store, log } = services.platform;
    const stage = createSplitStage(readSplitterConfig({}), { registry: createDatasetRegistry(store) });
    const spec = SplitSpec.fromPartial({
      ...{ name: 'broken-off', clips: some(6), trainShare: 0.5, validationShare: 0, testShare: 0.5, dvc: true },
    });
    const scratch = join(home.path, 'broken-off');
    mkdirSync(scratch);
    /** Runs until something new has been written; then the process is gone. */
    const run = () =>
      stage.run(spec, {
        ...{ jobId: 'j', outputPrefix: 'work/split/broken-off', scratch, log, signal: new AbortController().signal },
        store: {
          ...store,
          put: async (...args) => {
            await store.put(...args);
            throw new Error('gone');
          },
        },
        progress: () => undefined,
        submit: async () => '',
      });
    let tries = 0;
    let result: SplitResult | undefined;
    while (!result && tries++ < 100) result = await run().catch(() => undefined);
    const version = result?.version;
    expect(tries).toBeGreaterThan(10);
    expect((await get('broken-off')).version).toEqual(version);
    await exportDataset(join(home.path, 'whole-again'), { version: version!, read: (key) => store.get(key) });
  });
});

describe('Datasets', () => {
  test('are listed by name, page by page, with their tags', async () => {
    for (const name of ['list-a', 'list-b', 'list-c']) await split({ name, clips: some(2) });
    const names: string[] = [];
    for (let pageToken = '', more = true; more; more = pageToken !== '') {
      const page = await services.client.call(Splitter.listDatasets, { pageSize: 2, pageToken });
      names.push(...page.datasets.map(({ name }) => name));
      pageToken = page.nextPageToken;
    }
    expect(names).toEqual(expect.arrayContaining(['list-a', 'list-b', 'list-c']));
    expect(names).toEqual([...new Set(names)].sort());
  });

  test('have tags that move only if they stand where they are thought to stand', async () => {
    const name = 'tagged';
    const one = (await split({ name, clips: some(3) })).version.id;
    const two = (await split({ name, clips: some(4) })).version.id;
    const tag = (version: string, expectedVersion?: string, word = 'reviewed') =>
      services.client.call(Splitter.tagDataset, {
        ...{ name, tag: word, version },
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
      });
    expect(await tag(one, '')).toEqual({ tag: { tag: 'reviewed', version: one }, previousVersion: '' });
    await expect(tag(two, '')).rejects.toMatchObject({
      reason: 'CONFLICT',
      message: expect.stringContaining(one) as unknown,
    });
    await expect(tag(two, two)).rejects.toMatchObject({ reason: 'CONFLICT' });
    expect((await tag(two, one)).previousVersion).toBe(one);
    expect((await get(name, 'reviewed')).version).toMatchObject({ id: two, tags: ['reviewed'] });
    expect((await get(name, one)).version?.tags).toEqual([]);
    expect((await tag(one.slice(0, 10))).previousVersion).toBe(two);
    expect((await get(name)).dataset?.tags).toEqual([{ tag: 'reviewed', version: one }]);
    await expect(tag(one, undefined, 'abcdef0123')).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    await expect(tag(one, undefined, '../x')).rejects.toMatchObject({ reason: 'BAD_INPUT' });
  });

  test('give a tag to one of many who want it at once', async () => {
    const { id } = (await split({ name: 'race', clips: some(3) })).version;
    const tries = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        services.client.call(Splitter.tagDataset, { name: 'race', tag: 'first', version: id, expectedVersion: '' }),
      ),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('are compared: added, removed with the reason, moved, relabelled', async () => {
    const name = 'compared';
    const own = (clips: SplitClip[], rejected: RejectedClip[] = []) =>
      split({ name, method: SplitMethod.OWN, clips, rejected });
    const before = await own(some(10));
    const after = await own(
      [
        clipOf(0),
        clipOf(1, { label: 'metal' }),
        clipOf(2, { ownSplit: 'test' }),
        ...[3, 4, 5, 6, 7, 8].map((n) => clipOf(n)),
        clipOf(11),
      ],
      [RejectedClip.fromPartial({ id: objects[9]!.sha256, reason: 'still_picture' })],
    );
    const result = await compare(name, before.version.id, after.version.id);
    expect(result).toMatchObject({ added: 1, removed: 1, moved: 1, relabelled: 1, unchanged: 7 });
    expect(result.changes.map(({ kind, sourceId, rejectedReason }) => [kind, sourceId, rejectedReason])).toEqual(
      [
        [DatasetChangeKind.ADDED, 'source-11', ''],
        [DatasetChangeKind.REMOVED, 'source-9', 'still_picture'],
        [DatasetChangeKind.MOVED, 'source-2', ''],
        [DatasetChangeKind.RELABELLED, 'source-1', ''],
      ].map((row) => [...row]),
    );
    const first = await compare(name, before.version.id, '', { pageSize: 3 });
    const rest = await compare(name, before.version.id, '', { pageSize: 3, pageToken: first.nextPageToken });
    expect([...first.changes, ...rest.changes].map(({ kind }) => kind)).toEqual(result.changes.map(({ kind }) => kind));
    expect(rest.nextPageToken).toBe('');
    expect(await compare(name, after.version.id, after.version.id)).toMatchObject({ unchanged: 10, changes: [] });
  });
});

describe('A division', () => {
  test("is the dataset's own where that is asked for, and leaks are rejected by name", async () => {
    const clips = [...some(10), clipOf(20, { sourceId: 'source-9', ownSplit: 'train' })];
    const { version, manifest } = await split({ name: 'own', method: SplitMethod.OWN, clips });
    const places = await placesOf(manifest);
    for (let n = 0; n < 10; n++) expect(places.get(`source-${n}`)).toBe(n < 8 ? 'train' : 'test');
    expect(version.reasons).toEqual([{ reason: 'source_in_two_splits', count: 1 }]);
    expect(version.warnings.join()).toContain('1 clip was rejected');
    expect(await textOf(version.rejected)).toContain(objects[20]!.sha256);
  });

  test('into folds gives a manifest for each, in which its clips alone are validation', async () => {
    const { version, manifest, foldManifests } = await split({
      ...{ name: 'folds', method: SplitMethod.FOLDS, folds: 4, clips: some(10) },
      ...{ trainShare: 0.8, validationShare: 0, testShare: 0.2 },
    });
    const lines = await linesOf(manifest);
    expect(version).toMatchObject({ folds: 4, clips: { train: 8, validation: 0, test: 2 } });
    expect(foldManifests).toHaveLength(4);
    for (const [i, object] of foldManifests.entries()) {
      const places = await placesOf(object);
      for (const { source_id: source, fold } of lines) {
        expect(places.get(source)).toBe(fold === undefined ? 'test' : fold === i + 1 ? 'validation' : 'train');
      }
    }
  });

  test('takes its clips from a list where they are too many for a message', async () => {
    const text = some(10).map((clip) => `${JSON.stringify(SplitClip.toJSON(clip))}\n`);
    const list = await services.client.upload(Buffer.from(text.join('')));
    const fromList = await split({ name: 'listed', clips: [], clipList: list });
    const inline = await split({ name: 'listed' });
    expect(fromList.version.id).toBe(inline.version.id);
  });

  test.each<[string, string, RegExp]>([
    ['that is no JSON', '{"clip":', /Line 1/],
    ['that holds something else', '[]', /Line 1/],
    ['whose line has no clip', '{"sourceId":"x"}', /line 1\.clip/],
    ['whose line is too long', JSON.stringify({ label: 'x'.repeat(20_000) }), /Line 1/],
    ['that is empty', '\n\n', /no clip/],
  ])('refuses a list %s, and names the line', async (_what, text, message) => {
    const list = await services.client.upload(Buffer.from(text));
    const { job } = await submit({ clips: [], clipList: list });
    const { error } = await services.client.untilEnded(job!.id);
    expect(error?.reason).toBe('BAD_INPUT');
    expect(error?.message).toMatch(message);
  });

  test.each<[string, () => Partial<SplitSpec>, string]>([
    ['folds without the method', () => ({ folds: 3 }), 'spec.folds'],
    ['one fold', () => ({ method: SplitMethod.FOLDS, folds: 1 }), 'spec.folds'],
    ['folds with a validation share', () => ({ method: SplitMethod.FOLDS, folds: 3 }), 'spec.validation_share'],
    ['its own split with shares', () => ({ method: SplitMethod.OWN, trainShare: 0.5 }), 'spec.train_share'],
    [
      'its own split where a clip has none',
      () => ({ method: SplitMethod.OWN, clips: [clipOf(0, { ownSplit: '' })] }),
      'spec.clips[0].own_split',
    ],
    ['an unknown split', () => ({ clips: [clipOf(0, { ownSplit: 'constructor' })] }), 'spec.clips[0].own_split'],
    ['an unknown method', () => ({ method: 77 as SplitMethod }), 'spec.method'],
    ['a long label', () => ({ clips: [clipOf(0, { label: 'x'.repeat(201) })] }), 'spec.clips[0].label'],
    ['a length that is no number', () => ({ clips: [clipOf(0, { durationS: NaN })] }), 'spec.clips[0].duration_s'],
    [
      'frames without their number',
      () => ({ clips: [clipOf(0, { frames: objects[1]! })] }),
      'spec.clips[0].frame_count',
    ],
    ['a profile that is no name', () => ({ profile: 'a b' }), 'spec.profile'],
    ['too many clips on the page', () => ({ pageSamples: 2001 }), 'spec.page_samples'],
    [
      'a rejected clip without a reason',
      () => ({ rejected: [RejectedClip.fromPartial({ id: 'x' })] }),
      'spec.rejected[0].reason',
    ],
    ['clips twice', () => ({ clipList: objects[0]! }), 'spec.clip_list'],
  ])('refuses %s at once and names the field', async (_what, spec, field) => {
    await expect(submit(spec())).rejects.toMatchObject({ reason: 'BAD_INPUT', violations: [{ field }] });
  });
});

describe('An exported dataset', () => {
  const read = (key: string) => services.platform.store.get(key);
  const folder = (name: string) => join(home.path, 'export', name);
  let version: DatasetVersion;

  beforeAll(async () => {
    const frames = join(home.path, 'frames');
    mkdirSync(frames);
    for (const n of [1, 2, 3]) writeFileSync(join(frames, `00000${n}.jpg`), `frame ${n}`);
    const tar = execFileSync('tar', ['-c', '-C', frames, '.']);
    const { client } = services;
    const [video, audio, archive] = await Promise.all([
      client.upload(Buffer.from('video'), 'video/mp4'),
      client.upload(Buffer.from('audio'), 'audio/wav'),
      client.upload(tar, 'application/x-tar'),
    ]);
    const whole = clipOf(0, { ...{ video, audio, frames: archive, frameCount: 3 }, label: '"=1,2\n' });
    ({ version } = await split({ name: 'out', clips: [whole, ...some(10).slice(1)], dvc: true }));
  });

  test('holds every file under its hash, and reads as Sound of Pixels and RegNet read theirs', async () => {
    const seen: string[] = [];
    const { files } = await exportDataset(folder('plain'), { version, read, onFile: (path) => seen.push(path) });
    expect(seen).toHaveLength(files);
    expect(seen.at(-1)).toBe('manifest.jsonl');
    const lines = readFileSync(join(folder('plain'), 'manifest.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    for (const line of lines.map((text) => JSON.parse(text) as ManifestLine)) {
      expect(readFileSync(join(folder('plain'), line.path), 'utf8')).toMatch(/^clip \d+$/);
    }
    const { id, split: place } = (await linesOf(version.manifest)).find(({ video }) => video)!;
    const index = place === 'validation' ? 'val' : place;
    const row = readFileSync(join(folder('plain'), 'pixels', `${index}.csv`), 'utf8')
      .trimEnd()
      .split(',');
    expect(row).toEqual([`audio/${id}.wav`, `frames/${id}`, '3']);
    expect(readFileSync(join(folder('plain'), row[0]!), 'utf8')).toBe('audio');
    expect(readdirSync(join(folder('plain'), row[1]!)).sort()).toEqual(['000001.jpg', '000002.jpg', '000003.jpg']);
    const named = ['train', 'validation', 'test'].flatMap((name) =>
      readFileSync(join(folder('plain'), 'regnet', `${name}.txt`), 'utf8')
        .trimEnd()
        .split('\n'),
    );
    expect(named.sort()).toEqual((await linesOf(version.manifest)).map((line) => line.id).sort());
  });

  test('goes on where it broke off, and mends what is damaged', async () => {
    const target = folder('resumed');
    let fetched = 0;
    const counted = (key: string) => (fetched++, read(key));
    await exportDataset(target, { version, read: counted });
    const all = fetched;
    const [name] = readdirSync(join(target, 'clips'));
    writeFileSync(join(target, 'clips', name!), 'damaged');
    fetched = 0;
    await exportDataset(target, { version, read: counted });
    expect(fetched).toBe(2); // the list of the files, and the damaged one
    expect(all).toBeGreaterThan(12);
    const other = await split({ name: 'out', clips: some(4) });
    await expect(exportDataset(target, { version: other.version, read })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
    });
  });

  test('lies in a DVC remote under the MD5 of each file', async () => {
    const [remote, project] = [folder('remote'), folder('project')];
    const { dvcFile, files } = await exportDvc({ remote, project }, { version, read });
    const pointer = readFileSync(dvcFile, 'utf8');
    const md5 = /md5: ([0-9a-f]{32})\.dir/.exec(pointer)![1]!;
    const listed = JSON.parse(
      readFileSync(join(remote, 'files', 'md5', md5.slice(0, 2), `${md5.slice(2)}.dir`), 'utf8'),
    ) as { md5: string; relpath: string }[];
    expect(listed).toHaveLength(files);
    expect(listed.map(({ relpath }) => relpath)).toContain('manifest.jsonl');
    for (const entry of listed) {
      const path = join(remote, 'files', 'md5', entry.md5.slice(0, 2), entry.md5.slice(2));
      expect(execFileSync('md5sum', [path], { encoding: 'utf8' }).slice(0, 32)).toBe(entry.md5);
    }
    const without = await split({ name: 'out', clips: some(3) });
    await expect(exportDvc({ remote, project }, { version: without.version, read })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
    });
  });
});
