import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CollectionSpec,
  CollectorServiceService,
  CreateCollectionRequest,
  JobState,
  PreprocessingSpec,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { createJobStore, readJson } from '@soundstage/core';
import {
  healthOf,
  makeTestClip,
  reflectedFiles,
  reflectedServices,
  startTestServices,
  temporaryFolder,
  withEnvironment,
  type TestServices,
} from '@soundstage/core/testing';
import type { Lineage } from './handler.js';
import { createCollector } from './index.js';

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let folder: string;
const ODD_NAME = 'a "clip" of\n물 & glass; $(x).mp4';

beforeAll(async () => {
  home = await temporaryFolder();
  folder = join(home.path, 'clips');
  await mkdir(join(folder, 'sub'), { recursive: true });
  await makeTestClip(join(folder, 'sub', 'clip.mp4'), { seconds: 1 });
  await makeTestClip(join(folder, ODD_NAME), { seconds: 1, seed: 90 });
  await makeTestClip(join(folder, 'long.mp4'), { seconds: 6, size: '32x32' });
  await makeTestClip(join(home.path, 'secret.mp4'), { seconds: 1, seed: 180 });
  await symlink(join(home.path, 'secret.mp4'), join(folder, 'way-out.mp4'));
  await symlink(home.path, join(folder, 'way-out'));
  await symlink('sub/clip.mp4', join(folder, 'link-inside.mp4'));
  await writeFile(join(folder, 'empty.mp4'), '');
  await writeFile(join(folder, 'text.mp4'), 'these are words, not pictures\n'.repeat(50));
  await writeFile(join(folder, 'list.mp4'), `#EXTM3U\nfile://${home.path}/secret.mp4\n`);
  await writeFile(join(folder, 'cut-off.mp4'), (await readFile(join(folder, 'sub', 'clip.mp4'))).subarray(0, 4000));
  execFileSync('mkfifo', [join(folder, 'pipe.mp4')]);
  const env = { SOUNDSTAGE_COLLECT_DIR: folder, SOUNDSTAGE_CLIP_SECONDS: '5' };
  services = await withEnvironment(env, () => startTestServices(createLocalAdapters, [createCollector], home.path));
});

afterAll(async () => {
  await services.drain();
  await home.remove();
});

const create = async (spec: Partial<CollectionSpec>) => {
  const request = CreateCollectionRequest.fromPartial({ spec: CollectionSpec.fromPartial(spec) });
  const { job } = await services.client.call(CollectorServiceService.createCollection, request);
  return job!;
};
const file = (value: string) => ({ source: { $case: 'file' as const, value } });

describe('the collector', () => {
  test('takes an upload in: probes it, stores it by its hash, notes where it came from', async () => {
    const content = await readFile(join(folder, 'sub', 'clip.mp4'));
    const upload = await services.client.upload(content, 'video/mp4');
    const about = { sourceId: 'tape-7', label: 'glass', licence: 'CC0-1.0' };
    const job = await create({ source: { $case: 'upload', value: upload }, ...about });
    const result = await services.client.resultOf(job.id, 'collection');
    expect(result).toMatchObject({ sourceId: 'tape-7', label: 'glass', duplicate: false, nextJobId: '' });
    expect(result.clip).toMatchObject({ key: `media/${upload.sha256}`, sha256: upload.sha256, mediaType: 'video/mp4' });
    expect(result.media).toMatchObject({
      container: 'mp4',
      video: { codec: 'h264', width: 160, height: 96, frameRate: 25, rotationDegrees: 0 },
      audio: { codec: 'aac', sampleRateHz: 44100, channels: 1 },
    });
    expect(result.media?.durationS).toBeCloseTo(1, 1);
    const lineage = await readJson<Lineage>(services.platform.store, `collected/${upload.sha256}.json`);
    expect(lineage?.value).toMatchObject({ ...about, origin: `upload:${upload.key}`, jobId: job.id });
  });

  test('takes a file from its folder, whatever its name', async () => {
    const job = await create(file(ODD_NAME));
    const result = await services.client.resultOf(job.id, 'collection');
    expect(await services.client.download(result.clip!.key)).toEqual(await readFile(join(folder, ODD_NAME)));
    expect(result.sourceId).toBe(result.clip?.sha256);
    expect(result.duplicate).toBe(false);
  });

  test('knows the same bytes again, under whatever name they come', async () => {
    const first = await services.client.resultOf((await create(file('sub/clip.mp4'))).id, 'collection');
    const linked = await services.client.resultOf((await create(file('link-inside.mp4'))).id, 'collection');
    expect(linked).toMatchObject({ duplicate: true, clip: { key: first.clip?.key } });
    const again = await services.client.resultOf((await create(file('sub/clip.mp4'))).id, 'collection');
    expect(again.duplicate).toBe(true);
  });

  test.each<[string, Partial<CollectionSpec>, string[]]>([
    ['a path above its folder', file('../secret.mp4'), ['spec.file']],
    ['an absolute path', file('/etc/hostname'), ['spec.file']],
    ['no source at all', {}, ['spec.source']],
    ['a label that is a novel', { ...file('sub/clip.mp4'), label: 'x'.repeat(201) }, ['spec.label']],
    [
      'a follow-up that must fail',
      {
        ...file('sub/clip.mp4'),
        thenPreprocess: PreprocessingSpec.fromPartial({
          startS: -1,
          durationS: 1,
          frameRate: 0,
          width: 161,
          height: 96,
          sampleRateHz: 16000,
        }),
      },
      ['spec.then_preprocess.start_s', 'spec.then_preprocess.frame_rate', 'spec.then_preprocess.width'],
    ],
  ])('refuses %s at once and names the fields', async (_what, spec, fields) => {
    await expect(create(spec)).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      violations: fields.map((field) => ({ field })),
    });
  });

  test.each([
    ['way-out.mp4', 'leads out'],
    ['way-out/secret.mp4', 'leads out'],
    ['pipe.mp4', 'not a plain file'],
    ['sub', 'not a plain file'],
    ['nothing.mp4', "can't be opened"],
    ['empty.mp4', '0 bytes'],
    ['text.mp4', 'text.mp4'],
    ['list.mp4', 'list.mp4'],
    ['cut-off.mp4', 'cut-off.mp4'],
    ['long.mp4', 'the limit is 5 s'],
  ])('fails %s for good with a sentence, and leaves nothing behind', async (name, says) => {
    const { id } = await create(file(name));
    const job = await services.client.untilEnded(id);
    expect(job).toMatchObject({ state: JobState.FAILED, attempt: 1, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toContain(says);
    expect(await readdir(join(home.path, 'scratch', 'collection'))).toEqual([]);
  });

  test('does what was asked for, also when whoever made the job was killed before it was queued', async () => {
    const { store, queue } = services.platform;
    const dying = createJobStore(
      {
        ...store,
        put: (key, ...rest) =>
          key.startsWith('job-index/') ? Promise.reject(new Error('killed')) : store.put(key, ...rest),
      },
      queue,
    );
    const spec = CollectionSpec.fromPartial(file('sub/clip.mp4'));
    const half = dying.create({ kind: 'collection', spec: CollectionSpec.toJSON(spec), requestId: 'half' });
    await expect(half).rejects.toThrow('killed');
    const request = CreateCollectionRequest.fromPartial({ requestId: 'half', spec });
    const { job } = await services.client.call(CollectorServiceService.createCollection, request);
    expect(await services.client.resultOf(job!.id, 'collection')).toMatchObject({ duplicate: true });
  });

  test('answers calls as a front, and leaves the work to a process that may come later', async () => {
    const apart = await temporaryFolder();
    const start = (role: 'all' | 'front') =>
      withEnvironment({ SOUNDSTAGE_COLLECT_DIR: folder }, () =>
        startTestServices(createLocalAdapters, [createCollector], apart.path, { SOUNDSTAGE_ROLE: role }),
      );
    const front = await start('front');
    const request = CreateCollectionRequest.fromPartial({ spec: CollectionSpec.fromPartial(file('sub/clip.mp4')) });
    const { job } = await front.client.call(CollectorServiceService.createCollection, request);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await front.platform.queue.stats('collection')).toMatchObject({ ready: 1, leased: 0 });
    const worker = await start('all');
    expect(await front.client.resultOf(job!.id, 'collection')).toMatchObject({ duplicate: false });
    await worker.drain();
    await front.drain();
    await apart.remove();
  });

  test('answers health checks and reflection', async () => {
    expect(await healthOf(services.address, 'soundstage.v1.CollectorService')).toBe('SERVING');
    expect(await reflectedServices(services.address)).toContain('soundstage.v1.CollectorService');
    expect(await reflectedServices(services.address)).toContain('grpc.health.v1.Health');
    // grpcurl takes no file that leaves an import out.
    const files = await reflectedFiles(services.address, 'soundstage.v1.TransferService');
    const source = await readFile(
      new URL('../../../proto/soundstage/v1/transfer_service.proto', import.meta.url),
      'utf8',
    );
    const imports = [...source.matchAll(/^import "(.*)";$/gm)].map(([, path]) => path!);
    expect(imports).toContain('google/protobuf/timestamp.proto');
    const own = files.find((file) => file.includes('soundstage/v1/transfer_service.proto'))!;
    expect(imports.filter((path) => !own.includes(path))).toEqual([]);
  });
});
