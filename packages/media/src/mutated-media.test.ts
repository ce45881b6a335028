import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { SoundstageError } from '@soundstage/core';
import { decodeFrames, probe, runningProcesses } from './index.js';
import { longTests } from '@soundstage/core/contract-tests';
import { countingPicture, COUNTING_VIEW, ffmpegChildren, H264_B, makeMedia, sine, testFolder } from './test-media.js';

/** Mutated files for each kind; the seed makes each of them the same in every run. */
const MUTATIONS_PER_KIND = Number(process.env['SOUNDSTAGE_MUTATIONS'] ?? (longTests ? 30 : 3));
const TIME_LIMIT_MS = 20_000;
const AT_ONCE = 4;

const KINDS: readonly [string, readonly string[]][] = [
  ['faststart.mp4', [...H264_B, '-c:a', 'aac', '-movflags', '+faststart']],
  ['plain.mov', ['-c:v', 'mpeg4', '-c:a', 'pcm_s16le']],
  ['x.mkv', [...H264_B, '-c:a', 'aac']],
  ['x.webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus']],
  ['x.avi', ['-c:v', 'mjpeg', '-c:a', 'mp3']],
  ['x.ts', [...H264_B, '-c:a', 'mp2']],
  ['x.png', ['-map', '0:v', '-frames:v', '1']],
];

const folder = testFolder();
const originals = new Map<string, Buffer>();
beforeAll(() => {
  for (const [name, coding] of KINDS) {
    makeMedia(...countingPicture(12), ...sine(0.5), ...coding, '-threads', '1', folder.path(name));
    originals.set(name, readFileSync(folder.path(name)));
  }
});
afterAll(folder.remove);

/** A small generator of repeatable numbers (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Mutation = (bytes: Buffer, random: (below: number) => number) => Buffer;
const MUTATIONS: Record<string, Mutation> = {
  'flips bytes anywhere': (bytes, random) => {
    for (let n = 1 + random(40); n > 0; n--) bytes[random(bytes.length)] = random(256);
    return bytes;
  },
  'flips bits of the header': (bytes, random) => {
    for (let n = 1 + random(8); n > 0; n--) bytes[random(Math.min(600, bytes.length))]! ^= 1 << random(8);
    return bytes;
  },
  'cuts the end off': (bytes, random) => bytes.subarray(0, 1 + random(bytes.length)),
  'takes a piece out': (bytes, random) => {
    const from = random(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + random(bytes.length - from))]);
  },
  'swaps two pieces': (bytes, random) => {
    const length = 1 + random(bytes.length >> 2);
    const [one, other] = [random(bytes.length - length), random(bytes.length - length)];
    const kept = Buffer.from(bytes.subarray(one, one + length));
    bytes.copyWithin(one, other, other + length);
    kept.copy(bytes, other);
    return bytes;
  },
  'damages a size or count': (bytes, random) => {
    const values = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, bytes.length];
    const words = [
      'mdat',
      'moov',
      'trak',
      'stts',
      'ctts',
      'stsz',
      'stsc',
      'stco',
      'stsd',
      'elst',
      'avih',
      'strf',
      'movi',
      'idx1',
      'IHDR',
      'IDAT',
    ];
    const places = words.map((word) => bytes.indexOf(word)).filter((place) => place >= 4);
    const near =
      places.length > 0 ? (places[random(places.length)] as number) + 4 * (random(6) - 1) : random(bytes.length - 4);
    bytes.writeUInt32BE(values[random(values.length)] as number, Math.min(near, bytes.length - 4));
    return bytes;
  },
  'repeats a piece': (bytes, random) => {
    const from = random(bytes.length);
    const piece = bytes.subarray(from, from + 1 + random(2000));
    return Buffer.concat([
      bytes.subarray(0, from),
      ...Array.from({ length: 1 + random(20) }, () => piece),
      bytes.subarray(from),
    ]);
  },
};

/** 'OK', or the reason of the error with the first line of its cause. */
async function outcomeOf(path: string): Promise<string> {
  try {
    const info = await probe(path);
    if (info.video === undefined) return 'OK';
    for await (const frame of decodeFrames(path, { views: [COUNTING_VIEW], info })) {
      if (!Number.isFinite(frame.timeS)) return 'a frame without a time';
    }
    return 'OK';
  } catch (error) {
    if (error instanceof SoundstageError && error.reason === 'BAD_INPUT') return 'BAD_INPUT';
    return `${(error as SoundstageError).reason}: ${(error as Error).message}`;
  }
}

describe('mutated media', () => {
  const jobs = KINDS.flatMap(([name], kind) =>
    Array.from({ length: MUTATIONS_PER_KIND }, (_, n) => ({ name, seed: kind * 10_000 + n })),
  );

  test(`${jobs.length} damaged files each end as decoded or as bad input, in time, and leave nothing behind`, async () => {
    const tally: Record<string, number> = {};
    const faults: string[] = [];
    let slowestMs = 0;
    const names = Object.keys(MUTATIONS);
    const waiting = [...jobs];
    const work = async () => {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        const random = randomFrom(job.seed);
        const mutation = names[job.seed % names.length] as string;
        const bytes = (MUTATIONS[mutation] as Mutation)(Buffer.from(originals.get(job.name) as Buffer), random);
        const path = folder.path(`${job.seed}-${job.name}`);
        writeFileSync(path, bytes);
        const startedAt = performance.now();
        const outcome = await outcomeOf(path);
        const tookMs = performance.now() - startedAt;
        slowestMs = Math.max(slowestMs, tookMs);
        tally[outcome] = (tally[outcome] ?? 0) + 1;
        const where = `${job.name}, seed ${job.seed} (${mutation})`;
        if (outcome !== 'OK' && outcome !== 'BAD_INPUT') faults.push(`${where}: ${outcome}`);
        if (tookMs > TIME_LIMIT_MS) faults.push(`${where}: took ${Math.round(tookMs)} ms`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    console.log(`${jobs.length} mutated files: ${JSON.stringify(tally)}, the slowest took ${Math.round(slowestMs)} ms`);
    expect(faults).toEqual([]);
    // Both ends happen, or the mutations are too weak or too strong to test anything.
    expect(tally['OK']).toBeGreaterThan(jobs.length * 0.1);
    expect(tally['BAD_INPUT']).toBeGreaterThan(jobs.length * 0.1);
    expect(jobs.length).toBeGreaterThanOrEqual(longTests ? 200 : 20);
    expect(runningProcesses()).toBe(0);
    expect(ffmpegChildren()).toEqual([]);
    const made = readdirSync(folder.root).filter((name) => name.startsWith('.'));
    expect(made).toEqual([]);
  }, 180_000);
});
