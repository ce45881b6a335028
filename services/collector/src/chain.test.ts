import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BulkCollectionSpec,
  CollectionSpec,
  CollectorServiceService,
  CreateBulkCollectionRequest,
  CreateCollectionRequest,
  Feature,
  PreprocessingSpec,
} from '@soundstage/contracts';
import {
  createTestClient,
  makeTestClip,
  startServiceProcess,
  temporaryFolder,
  type ServiceProcess,
} from '@soundstage/core/testing';

/** Services never import each other: each runs as a process of its own, as it is deployed. */
const mainOf = (service: string) => fileURLToPath(new URL(`../../${service}/dist/main.js`, import.meta.url));

let home: Awaited<ReturnType<typeof temporaryFolder>>;
const processes: ServiceProcess[] = [];

beforeAll(async () => {
  home = await temporaryFolder();
  for (const service of ['collector', 'preprocessor', 'feature-extractor']) {
    processes.push(await startServiceProcess(mainOf(service), { SOUNDSTAGE_HOME: home.path }));
  }
}, 60_000);

afterAll(async () => {
  await Promise.all(processes.map((process) => process.stop('SIGTERM')));
  await home.remove();
});

describe('a clip that is collected with what is to follow', () => {
  test('goes through three services over the queue and ends as features', async () => {
    const path = join(home.path, 'clip.mp4');
    await makeTestClip(path, { seconds: 2 });
    const client = createTestClient(processes[0]!.address);
    const upload = await client.upload(await readFile(path), 'video/mp4');
    const spec = CollectionSpec.fromPartial({
      source: { $case: 'upload', value: upload },
      thenPreprocess: {
        durationS: 1,
        frameRate: 20,
        width: 160,
        height: 96,
        sampleRateHz: 16000,
        thenExtract: [Feature.MOTION],
      },
    });
    const request = CreateCollectionRequest.fromPartial({ requestId: 'chain', spec });
    const { job } = await client.call(CollectorServiceService.createCollection, request);

    const collected = await client.resultOf(job!.id, 'collection');
    const cut = await client.resultOf(collected.nextJobId, 'preprocessing');
    expect(cut).toMatchObject({ frameCount: 20, sampleCount: 16000n });
    const { files } = await client.resultOf(cut.nextJobId, 'featureExtraction');
    expect(files[0]).toMatchObject({ feature: Feature.MOTION, shape: [19, 390] });

    // Each job knows which one started it, and one trace ties them together.
    const [first, second, third] = await Promise.all([job!.id, collected.nextJobId, cut.nextJobId].map(client.getJob));
    expect([second?.parentJobId, third?.parentJobId]).toEqual([first?.id, second?.id]);
    expect(first?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set([first?.traceId, second?.traceId, third?.traceId]).size).toBe(1);
    client.close();
  }, 90_000);

  test('does so as one of many, too', async () => {
    const client = createTestClient(processes[0]!.address);
    const path = join(home.path, 'another.mp4');
    await makeTestClip(path, { seconds: 1, seed: 70 });
    await client.upload(await readFile(path), 'video/mp4');
    const thenPreprocess = { durationS: 0.5, frameRate: 20, width: 64, height: 48, sampleRateHz: 16000 };
    const spec = BulkCollectionSpec.fromPartial({
      source: { $case: 'bucketPrefix', value: 'media/' },
      thenPreprocess: PreprocessingSpec.fromPartial(thenPreprocess),
    });
    const request = CreateBulkCollectionRequest.fromPartial({ spec });
    const { job } = await client.call(CollectorServiceService.createBulkCollection, request);
    const result = await client.resultOf(job!.id, 'bulkCollection');
    expect(result).toMatchObject({ itemCount: 2, skippedCollectedCount: 1, collectedCount: 1 });
    const report = (await client.download(result.report!.key)).toString('utf8').trim().split('\n');
    const lines = report.map((line) => JSON.parse(line) as { outcome: string; next_job_id?: string });
    const fresh = lines.find(({ outcome }) => outcome !== 'skipped_collected');
    expect(await client.resultOf(fresh!.next_job_id!, 'preprocessing')).toMatchObject({ frameCount: 10 });
    // What an earlier run collected was passed on then, as that run wanted it.
    expect(lines.find(({ outcome }) => outcome === 'skipped_collected')).not.toHaveProperty('next_job_id');
    client.close();
  }, 90_000);
});
