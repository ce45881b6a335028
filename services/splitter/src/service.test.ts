import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CreateSplitRequest,
  JobServiceService,
  JobState,
  SplitClip,
  SplitSpec,
  SplitterServiceService,
  type ObjectRef,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  healthOf,
  reflectedServices,
  startTestServices,
  temporaryFolder,
  type TestServices,
} from '@soundstage/core/testing';
import { createSplitter } from './index.js';

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let clips: ObjectRef[];

beforeAll(async () => {
  home = await temporaryFolder();
  services = await startTestServices(createLocalAdapters, [createSplitter], home.path);
  clips = await Promise.all(Array.from({ length: 12 }, (_, n) => services.client.upload(Buffer.from(`clip ${n}`))));
});

afterAll(async () => {
  await services.drain();
  await home.remove();
});

const create = (spec: Partial<SplitSpec>, requestId = '', deadlineMs?: number) =>
  services.client.call(
    SplitterServiceService.createSplit,
    CreateSplitRequest.fromPartial({ requestId, spec: SplitSpec.fromPartial({ ...whole(), ...spec }) }),
    deadlineMs === undefined ? {} : { deadlineMs },
  );

const clipOf = (clip: ObjectRef, sourceId = '', label = '') => SplitClip.fromPartial({ clip, sourceId, label });

const whole = (): Partial<SplitSpec> => ({
  name: 'clips-1',
  clips: clips.map((clip, n) => clipOf(clip, `source-${n % 6}`, n % 2 ? 'wood' : 'glass')),
  trainShare: 0.5,
  validationShare: 0.25,
  testShare: 0.25,
  seed: 7n,
});

interface Line {
  key: string;
  sha256: string;
  source_id: string;
  label: string;
  split: string;
}

const linesOf = async (jobId: string) => {
  const result = await services.client.resultOf(jobId, 'split');
  const text = (await services.client.download(result.manifest!.key)).toString();
  expect(text.endsWith('}\n')).toBe(true);
  return {
    result,
    lines: text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line),
  };
};

describe('the splitter, asked over gRPC', () => {
  test('writes one line for each clip, with no source in two splits', async () => {
    const { job } = await create({});
    expect(job?.kind).toBe('split');
    const { result, lines } = await linesOf(job!.id);
    expect(lines.map((line) => line.sha256).sort()).toEqual(clips.map((clip) => clip.sha256).sort());
    expect([result.trainCount, result.validationCount, result.testCount]).toEqual([6, 4, 2]);
    for (const source of new Set(lines.map((line) => line.source_id))) {
      expect(new Set(lines.filter((line) => line.source_id === source).map((line) => line.split)).size).toBe(1);
    }
  });

  test('writes the same bytes when the clips come in another order', async () => {
    const forward = await create({});
    const backward = await create({ clips: whole().clips!.toReversed() });
    const results = await Promise.all([forward, backward].map(({ job }) => services.client.resultOf(job!.id, 'split')));
    expect(results[0]?.manifest?.sha256).toBe(results[1]?.manifest?.sha256);
    expect(backward.job?.id).not.toBe(forward.job?.id);
  });

  test('gives the same job for the same request_id, and refuses another spec under it', async () => {
    const first = await create({ seed: 1n }, 'once');
    const again = await create({ seed: 1n }, 'once');
    expect(again.job?.id).toBe(first.job?.id);
    await expect(create({ seed: 2n }, 'once')).rejects.toMatchObject({
      reason: 'ALREADY_EXISTS',
      violations: [{ field: 'request_id' }],
    });
  });

  test.each<[string, Partial<SplitSpec>, string]>([
    ['shares that add up to more than 1', { trainShare: 0.9 }, 'spec.train_share'],
    ['a share below 0', { trainShare: 1.5, testShare: -0.75 }, 'spec.train_share'],
    ['a share that is no number', { trainShare: NaN }, 'spec.train_share'],
    ['no clips', { clips: [] }, 'spec.clips'],
    ['a name that is no file name', { name: '../../etc' }, 'spec.name'],
    ['a clip without a reference', { clips: [SplitClip.fromPartial({})] }, 'spec.clips[0].clip'],
  ])('refuses %s at once and names the field', async (_what, spec, field) => {
    await expect(create(spec)).rejects.toMatchObject({ reason: 'BAD_INPUT', violations: [{ field }] });
  });

  test('refuses clips that are not in the store', async () => {
    const clip = { ...clips[0]!, key: `media/${'0'.repeat(64)}` };
    await expect(create({ clips: [clipOf(clip)] })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining(clip.key) as unknown,
    });
  });

  test('lets the work be watched to its end', async () => {
    const { job } = await create({ seed: 99n });
    const states = await services.client.collect(JobServiceService.watchJob, { jobId: job!.id });
    expect(states.at(-1)?.job?.state).toBe(JobState.SUCCEEDED);
    expect(states.at(-1)?.job?.steps.map((step) => step.name)).toEqual([
      ...['read', 'divide', 'write', 'page', 'keep'],
    ]);
  });

  test('ends a call whose deadline has passed', async () => {
    await expect(create({ seed: 5n }, '', -1)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
  });

  test('answers health checks and reflection', async () => {
    expect(await healthOf(services.address, 'soundstage.v1.SplitterService')).toBe('SERVING');
    expect(await healthOf(services.address, '')).toBe('SERVING');
    expect(await healthOf(services.address, 'soundstage.v1.Nothing')).toBe('SERVICE_UNKNOWN');
    expect(await reflectedServices(services.address)).toEqual(
      expect.arrayContaining(['soundstage.v1.SplitterService', 'soundstage.v1.JobService']),
    );
  });
});
