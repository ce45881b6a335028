import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  BulkCollectionSpec,
  CollectorServiceService,
  CreateBulkCollectionRequest,
  CreateFeatureExtractionRequest,
  Feature,
  FeatureExtractionSpec,
  FeatureExtractorServiceService,
  JobState,
  type Job,
} from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { longTest } from '@soundstage/core/contract-tests';
import {
  createTestClient,
  makeTestClip,
  startServiceProcess,
  startTestServices,
  temporaryFolder,
  type ServiceProcess,
  type TestClient,
  type TestServices,
} from '@soundstage/core/testing';

/** `npm run test:pipeline-chaos` takes 1,000. */
const asked = process.env.SOUNDSTAGE_CHAOS_CLIPS;
const CLIPS = Number(asked ?? 40);
/** A process is killed about so often. */
const KILL_EVERY_MS = CLIPS > 100 ? 4000 : 1500;
/**
 * Clips of one bulk collection. It is one piece of work, and what was taken up by 20 processes that all ended under it is
 * no longer given to another one: it may be what kills them.
 */
const CLIPS_A_FOLDER = 50;
type Kind = 'sounding' | 'silent' | 'no_clip' | 'cut_off';

/** What the n-th file is; every tenth is a copy of the one before. */
const kindOf = (n: number): Kind =>
  n % 7 === 3 ? 'no_clip' : n % 11 === 5 ? 'cut_off' : n % 5 === 2 ? 'silent' : 'sounding';
const isCopy = (n: number) => n % 10 === 9;

/** Services never import each other: each runs as a process of its own, as it is deployed. */
const mainOf = (service: string) => fileURLToPath(new URL(`../../${service}/dist/main.js`, import.meta.url));

interface Line {
  source: string;
  outcome: string;
  reason?: string;
  clip?: { key: string; sha256: string; size_bytes: number; media_type: string };
}

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
/** Looks on from this process, and is never killed. */
let witness: TestServices;
const workers: { service: string; process: ServiceProcess }[] = [];
let kills = 0;

beforeAll(async () => {
  home = await temporaryFolder();
  const folder = join(home.path, 'clips');
  const folders = Math.ceil(CLIPS / CLIPS_A_FOLDER);
  for (let n = 0; n < folders; n++) await mkdir(join(folder, `part-${n}`), { recursive: true });
  for (const sound of [true, false]) {
    await makeTestClip(join(home.path, `${sound}.mp4`), { seconds: 0.3, size: '16x16', sound });
  }
  const [sounding, silent] = await Promise.all([true, false].map((sound) => readFile(join(home.path, `${sound}.mp4`))));
  for (let n = 0; n < CLIPS; n++) {
    const own = isCopy(n) ? n - 1 : n;
    // What stands behind the end of an mp4 file makes its bytes others, and nothing else.
    const number = Buffer.from(String(own).padStart(8, '0'));
    const content = {
      sounding: Buffer.concat([sounding!, Buffer.from([0, 0, 0, 16]), Buffer.from('free'), number]),
      silent: Buffer.concat([silent!, Buffer.from([0, 0, 0, 16]), Buffer.from('free'), number]),
      no_clip: Buffer.from(`no clip ${own}`),
      cut_off: Buffer.concat([sounding!.subarray(0, sounding!.length >> 1), number]),
    }[kindOf(own)];
    const part = join(folder, `part-${Math.floor(n / CLIPS_A_FOLDER)}`);
    await writeFile(join(part, `${String(n).padStart(4, '0')}.mp4`), content);
  }
  env = { SOUNDSTAGE_HOME: home.path, SOUNDSTAGE_COLLECT_DIR: folder };
  witness = await startTestServices(createLocalAdapters, [], home.path);
  for (const service of ['collector', 'collector', 'feature-extractor', 'feature-extractor']) {
    workers.push({ service, process: await startServiceProcess(mainOf(service), env) });
  }
}, 120_000);

afterAll(async () => {
  await Promise.all(workers.map(({ process }) => process.stop('SIGKILL')));
  await witness.drain();
  await home.remove();
});

/** Kills one process after the other with −9, and starts each again, until told to end. */
async function disturb(ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await sleep(KILL_EVERY_MS * (0.3 + 1.4 * Math.random()), undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return;
    const worker = workers[Math.floor(Math.random() * workers.length)]!;
    await worker.process.stop('SIGKILL');
    kills++;
    worker.process = await startServiceProcess(mainOf(worker.service), env);
  }
}

/** Asks whichever process of a service is alive; the request's id makes asking twice harmless. */
async function ask<T>(service: string, call: (client: TestClient) => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    const alive = workers.filter((worker) => worker.service === service);
    const client = createTestClient(alive[tries % alive.length]!.process.address);
    try {
      return await call(client);
    } catch (error) {
      if (!SoundstageError.from(error).retryable || tries > 100) throw error;
      await sleep(100);
    } finally {
      client.close();
    }
  }
}

async function ended(jobId: string): Promise<Job> {
  for (;;) {
    const job = await witness.client.getJob(jobId);
    if ([JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED].includes(job.state)) return job;
    await sleep(100);
  }
}

/** Collects a folder. @returns the lines of its report */
async function collect(folder: string): Promise<Line[]> {
  const spec = BulkCollectionSpec.fromPartial({ source: { $case: 'folder', value: folder } });
  const request = CreateBulkCollectionRequest.fromPartial({ requestId: folder, spec });
  const { job } = await ask('collector', (client) =>
    client.call(CollectorServiceService.createBulkCollection, request),
  );
  const collected = await ended(job!.id);
  if (collected.result?.$case !== 'bulkCollection') throw new Error(`not collected: ${collected.error?.message}`);
  const report = await witness.client.download(collected.result.value.report!.key);
  const lines = report.toString('utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Line);
}

(asked ? test : longTest)(
  `${CLIPS} clips, collected and extracted by processes that are killed −9 at random, end as one result or one named refusal each`,
  async () => {
    const calm = new AbortController();
    const disturbance = disturb(calm.signal);
    const lines: Line[] = [];
    for (let part = 0; part < Math.ceil(CLIPS / CLIPS_A_FOLDER); part++) lines.push(...(await collect(`part-${part}`)));

    const extractions = new Map<string, string>();
    for (const { clip } of lines) {
      if (!clip || extractions.has(clip.sha256)) continue;
      const { key, sha256 } = clip;
      const reference = { key, sha256, sizeBytes: BigInt(clip.size_bytes), mediaType: clip.media_type };
      const request = CreateFeatureExtractionRequest.fromPartial({
        requestId: sha256,
        spec: FeatureExtractionSpec.fromPartial({
          clip: reference,
          features: [Feature.ZERO_CROSSINGS, Feature.MOTION],
        }),
      });
      const { job } = await ask('feature-extractor', (client) =>
        client.call(FeatureExtractorServiceService.createFeatureExtraction, request),
      );
      extractions.set(sha256, job!.id);
    }
    const jobs = new Map<string, Job>();
    for (const [sha256, jobId] of extractions) jobs.set(sha256, await ended(jobId));
    calm.abort();
    await disturbance;

    // How each file ended, and how it should.
    const endOf = ({ clip, reason }: Line): string => {
      if (!clip) return `refused: ${reason}`;
      const job = jobs.get(clip.sha256)!;
      if (job.result?.$case === 'featureExtraction') return 'result';
      return job.error?.reason === 'BAD_INPUT' ? 'refused: no sound' : `${JobState[job.state]}: ${job.error?.message}`;
    };
    const expected = Array.from({ length: CLIPS }, (_, n) => {
      const kind = kindOf(isCopy(n) ? n - 1 : n);
      return kind === 'sounding' ? 'result' : kind === 'silent' ? 'refused: no sound' : 'refused: unreadable';
    });
    const ends = lines.map(endOf);
    const results = [...jobs.values()].filter(({ result }) => result !== undefined).length;
    const stored = (await witness.platform.store.list('work/featureExtraction/', { limit: 10 * CLIPS })).map(
      ({ key }) => key,
    );
    const manifests = stored.filter((key) => key.endsWith('/manifest.json')).length;
    const arrays = stored.filter((key) => key.endsWith('.npy')).length;
    const lost = CLIPS - new Set(lines.map(({ source }) => source)).size;
    const refused = ends.filter((end) => end.startsWith('refused')).length;
    const copies = ends.length - refused - results;
    console.log(
      `${CLIPS} clips, ${kills} kills: ${results} results, ${copies} copies of them, ${refused} named refusals, ` +
        `${lost} lost, ${manifests - results + (lines.length - CLIPS + lost)} doubled`,
    );
    expect(kills).toBeGreaterThan(2);
    expect(ends).toEqual(expected);
    expect(lost).toBe(0);
    expect([manifests, arrays]).toEqual([results, 2 * results]);
  },
  3_600_000,
);
