import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CollectionSpec,
  CollectorServiceService,
  CreateCollectionRequest,
  CreateFoleyRequest,
  Feature,
  FoleyQuality,
  FoleySpec,
  InferenceServiceService,
  JobState,
  PreprocessingSpec,
  type Job,
  type ObjectRef,
} from '@soundstage/contracts';
import { hasEnded, SoundstageError } from '@soundstage/core';
import { makeTestClip, type TestClient } from '@soundstage/core/testing';
import type { Expected, Item } from './item.js';
import type { World } from './world.js';

/** What the n-th clip is. */
const KINDS = ['sounding', 'sounding', 'silent', 'sounding', 'no_clip', 'sounding', 'cut_off'] as const;

export interface Load {
  /**
   * Asks for a clip to be collected, brought into form and its features extracted: three jobs of three services; the
   * first one `alone` where nothing is to follow.
   */
  collect(options?: { expected?: Expected; sound?: boolean; alone?: boolean }): Promise<Item>;
  /** Asks for sound to a silent clip; another seed each time, so that each is work of its own. */
  foley(options?: { expected?: Expected; onlyCues?: boolean }): Promise<Item>;
}

let made = 0;

/** Makes tiny clips, no two alike, and asks a world's services to work on them. */
export async function createLoad(world: World, name: string): Promise<Load> {
  const paths = {
    sounding: join(world.clips, `${name}-sounding.mp4`),
    silent: join(world.clips, `${name}-silent.mp4`),
  };
  await makeTestClip(paths.sounding, { seconds: 0.4, size: '32x32', frameRate: 10 });
  await makeTestClip(paths.silent, { seconds: 0.4, size: '32x32', frameRate: 10, sound: false });
  const [sounding, silent] = await Promise.all([readFile(paths.sounding), readFile(paths.silent)]);
  let film: Promise<ObjectRef> | undefined;

  const ask = async (expected: Expected, create: (requestId: string) => Promise<Job | undefined>): Promise<Item> => {
    const requestId = `${name}-${++made}`;
    const submittedMs = performance.now();
    const item: Item = { requestId, expected, jobs: [], ends: new Map(), submittedMs, endedMs: undefined };
    world.items.push(item);
    const job = await create(requestId);
    item.jobs.push(job!.id);
    return item;
  };

  return {
    async collect({ expected, sound = false, alone = false } = {}) {
      const kind = sound ? 'sounding' : KINDS[made % KINDS.length]!;
      return ask(expected ?? (kind === 'sounding' ? 'result' : 'refusal'), async (requestId) => {
        await writeFile(join(world.clips, `${requestId}.mp4`), contentOf(kind, requestId, sounding, silent));
        return world.ask('collector', (client) => createCollection(client, requestId, { alone }));
      });
    },

    async foley({ expected, onlyCues = false } = {}) {
      film ??= world.ask('inference', (client) => client.upload(silent, 'video/mp4'));
      const video = await film;
      return ask(expected ?? 'result', (requestId) =>
        world.ask('inference', (client) => createFoley(client, requestId, video, onlyCues)),
      );
    },
  };
}

/** What stands behind the end of an mp4 file makes its bytes others, and nothing else. */
function contentOf(kind: (typeof KINDS)[number], requestId: string, sounding: Buffer, silent: Buffer): Buffer {
  const number = Buffer.from(requestId.padEnd(32, '.'));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(number.length + 8);
  const behind = Buffer.concat([length, Buffer.from('free'), number]);
  return {
    sounding: Buffer.concat([sounding, behind]),
    silent: Buffer.concat([silent, behind]),
    no_clip: Buffer.from(`no clip ${requestId}`),
    cut_off: Buffer.concat([sounding.subarray(0, sounding.length >> 1), number]),
  }[kind];
}

/** A collection of a file, with preprocessing and one feature of the picture and one of the sound behind it. */
export async function createCollection(
  client: TestClient,
  requestId: string,
  { upload, alone = false }: { upload?: ObjectRef; alone?: boolean } = {},
): Promise<Job | undefined> {
  const thenPreprocess = PreprocessingSpec.fromPartial({
    durationS: 0.3,
    frameRate: 10,
    width: 32,
    height: 32,
    sampleRateHz: 16_000,
    thenExtract: [Feature.ZERO_CROSSINGS, Feature.MOTION],
  });
  const spec = CollectionSpec.fromPartial({
    source: upload ? { $case: 'upload', value: upload } : { $case: 'file', value: `${requestId}.mp4` },
    ...(!alone && { thenPreprocess }),
  });
  const request = CreateCollectionRequest.fromPartial({ requestId, spec });
  return (await client.call(CollectorServiceService.createCollection, request, { deadlineMs: 20_000 })).job;
}

async function createFoley(client: TestClient, requestId: string, video: ObjectRef, onlyCues: boolean) {
  const seed = BigInt(Number(requestId.split('-').at(-1)));
  const spec = FoleySpec.fromPartial({ video, seed, quality: FoleyQuality.DRAFT, onlyCues });
  const request = CreateFoleyRequest.fromPartial({ requestId, spec });
  return (await client.call(InferenceServiceService.createFoley, request, { deadlineMs: 20_000 })).job;
}

/** The job that this one started, if it started one. */
export function nextOf(job: Job): string {
  const { result } = job;
  return result?.$case === 'collection' || result?.$case === 'preprocessing' ? result.value.nextJobId : '';
}

/** Follows items to the end of their last jobs. Those that haven't ended by the limit stay without `endedMs`. */
export async function settle(world: World, items: readonly Item[], limitMs: number): Promise<void> {
  for (const endMs = performance.now() + limitMs; performance.now() < endMs; await sleep(100)) {
    const open = items.filter(({ endedMs }) => endedMs === undefined);
    if (open.length === 0) return;
    await Promise.all(open.map((item) => follow(world, item)));
  }
}

async function follow(world: World, item: Item): Promise<void> {
  const last = item.jobs.at(-1);
  if (last === undefined) return;
  const job = await world.witness.jobs.get(last).catch((error: unknown) => {
    // A child whose record isn't written yet; one that never comes is found by the ledger.
    if (SoundstageError.from(error).reason !== 'NOT_FOUND') throw error;
    return undefined;
  });
  if (!job || !hasEnded(job)) return;
  item.ends.set(last, job);
  const next = job.state === JobState.SUCCEEDED ? nextOf(job) : '';
  if (next !== '') item.jobs.push(next);
  else item.endedMs = performance.now();
}
