import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { FoleyQuality, FoleySpec, InferenceServiceService, JobState, type Job } from '@soundstage/contracts';
import { longTests } from '@soundstage/core/contract-tests';
import { healthOf, startTestServices, temporaryFolder, type TestServices } from '@soundstage/core/testing';
import { runningProcesses } from '@soundstage/media';
import { createInference } from './index.js';
import { seededRandom } from './jobs/foley/render/random.js';
import { bouncingBox, H264, makeVideo } from './testing/silent-video.js';

const FILES = longTests ? 200 : 16;
const SEED = 20_261;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;

beforeAll(async () => {
  home = await temporaryFolder();
  services = await startTestServices(createLocalAdapters, [createInference], home.path, { SOUNDSTAGE_CONCURRENCY: 2 });
}, 60_000);

afterAll(async () => {
  await services.drain();
  await home.remove();
});

/** Small whole videos of different containers and codecs, to be damaged. */
function originals(): Buffer[] {
  const source = bouncingBox({ durationS: 0.6, size: '64x48', rate: 10 });
  const make = (name: string, ...codec: string[]) => makeVideo(join(home.path, name), ...source, ...codec);
  return [
    make('a.mp4', ...H264),
    make('b.mp4', ...H264, '-movflags', 'frag_keyframe+empty_moov'),
    make('c.mkv', ...H264),
    make('d.webm', '-c:v', 'libvpx', '-deadline', 'realtime'),
    make('e.avi', '-c:v', 'mpeg4'),
    make('f.ts', ...H264),
  ];
}

/** One damage of many kinds: bits, bytes, runs, the end cut off, parts exchanged, sizes in the header. */
function damaged(whole: Buffer, random: () => number): Buffer {
  const at = (limit: number) => Math.floor(random() * limit);
  const copy = Buffer.from(whole);
  switch (at(6)) {
    case 0:
      for (let i = 0; i < 20; i++) copy[at(copy.length)]! ^= 1 << at(8);
      return copy;
    case 1:
      return copy.subarray(0, at(copy.length));
    case 2:
      copy.subarray(at(copy.length)).subarray(0, 200).fill(at(256));
      return copy;
    case 3: {
      const [a, b] = [at(copy.length), at(copy.length)].sort((x, y) => x - y) as [number, number];
      return Buffer.concat([copy.subarray(b), copy.subarray(a, b), copy.subarray(0, a)]);
    }
    case 4:
      copy.writeUInt32BE(at(2 ** 32), at(Math.min(400, copy.length - 4)));
      return copy;
    default:
      return Buffer.concat([copy.subarray(0, at(copy.length)), copy.subarray(at(copy.length))]);
  }
}

describe('a service that is fed damaged media', () => {
  test(`ends each of ${FILES} jobs in success or in a clear refusal, stays up, and leaves nothing behind`, async () => {
    const random = seededRandom(SEED);
    const number = () => random.next();
    const wholes = originals();
    const jobs: string[] = [];
    for (let n = 0; n < FILES; n++) {
      const content = damaged(wholes[n % wholes.length]!, number);
      if (content.length === 0) continue; // refused before it is a job: see below
      const video = await services.client.upload(content);
      const spec = FoleySpec.fromPartial({
        video,
        sound: 'wood',
        seed: 1n,
        quality: FoleyQuality.DRAFT,
        fileName: `damaged-${n}.mp4`,
      });
      const { job } = await services.client.call(InferenceServiceService.createFoley, { requestId: '', spec });
      jobs.push(job!.id);
    }
    const ended: Job[] = [];
    for (const id of jobs) ended.push(await services.client.untilEnded(id, 240_000));

    const failed = ended.filter(({ state }) => state !== JobState.SUCCEEDED);
    const unclear = failed.filter(
      ({ error, attempt, state }) =>
        state !== JobState.FAILED ||
        attempt !== 1 ||
        error?.reason !== 'BAD_INPUT' ||
        !error.message.includes('damaged-'),
    );
    expect(unclear.map(({ state, attempt, error }) => ({ state, attempt, error }))).toEqual([]);
    expect(ended.length).toBeGreaterThan(FILES - 10);
    expect(failed.length).toBeGreaterThan(FILES / 4);
    expect(failed.length).toBeLessThan(FILES);
    console.log(`${ended.length} damaged files: ${failed.length} refused, ${ended.length - failed.length} given sound`);

    expect(await healthOf(services.address, '')).toBe('SERVING');
    expect(runningProcesses()).toBe(0);
    expect(await readdir(join(home.path, 'scratch', 'foley'))).toEqual([]);
  }, 300_000);

  test('an empty file is refused before it is uploaded, and other jobs go on meanwhile', async () => {
    await expect(services.client.upload(Buffer.alloc(0))).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining('0 bytes'),
    });
    const good = await services.client.upload(await readFile(join(home.path, 'a.mp4')));
    const spec = FoleySpec.fromPartial({ video: good, sound: 'wood', seed: 3n });
    const { job } = await services.client.call(InferenceServiceService.createFoley, { requestId: '', spec });
    expect((await services.client.untilEnded(job!.id)).state).toBe(JobState.SUCCEEDED);
  }, 60_000);
});
