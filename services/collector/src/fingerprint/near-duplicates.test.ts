import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { sha256, type ObjectStore, type Queue } from '@soundstage/core';
import { longTests } from '@soundstage/core/contract-tests';
import { temporaryFolder } from '@soundstage/core/testing';
import { decodeAudio } from '@soundstage/media';
import { makeSound } from '../testing/make-sound.js';
import { compareAt } from './compare.js';
import { fingerprintOf, packFingerprint, SAMPLE_RATE_HZ, unpackFingerprint, type Fingerprint } from './fingerprint.js';
import { findNear, indexFingerprint, LEAST_OVERLAP, NEAR_DISTANCE } from './near-duplicates.js';

const run = promisify(execFile);
const ffmpeg = (...args: string[]) => run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);
const listen = (path: string) => fingerprintOf(decodeAudio(path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 1 }));
/** What people do to a clip before they put it up again. */
const COPIES: Record<string, string[]> = {
  'as AAC of 128 kbit/s': ['-c:a', 'aac', '-b:a', '128k', '-f', 'mp4'],
  'as MP3 of 64 kbit/s': ['-c:a', 'libmp3lame', '-b:a', '64k', '-ar', '44100', '-f', 'mp3'],
  'as Opus of 24 kbit/s': ['-c:a', 'libopus', '-b:a', '24k', '-ac', '1', '-f', 'ogg'],
  'cut by 0.313 s and 12 dB lower': ['-ss', '0.313', '-af', 'volume=-12dB', '-c:a', 'aac', '-b:a', '48k', '-f', 'mp4'],
};

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let adapters: { store: ObjectStore; queue: Queue };
beforeAll(async () => {
  home = await temporaryFolder();
  adapters = createLocalAdapters(home.path);
});
afterAll(async () => {
  await adapters.queue.close();
  await home.remove();
});

describe('a fingerprint', () => {
  test('is found again by a copy at another level, cut and coded anew, and by no stranger', async () => {
    const { store } = adapters;
    for (const seed of [2, 3, 4]) {
      const path = join(home.path, `sound-${seed}.wav`);
      await makeSound(path, seed);
      await indexFingerprint(store, sha256(String(seed)), await listen(path));
    }
    const copy = join(home.path, 'copy');
    const copies = Object.entries(COPIES);
    for (const [how, args] of longTests ? copies : copies.slice(-2)) {
      await ffmpeg('-i', join(home.path, 'sound-3.wav'), ...args, copy);
      const found = await findNear(store, sha256('a copy'), await listen(copy));
      expect([how, found.map((match) => match.sha256)]).toEqual([how, [sha256('3')]]);
      expect(found[0]!.distance).toBeLessThan(NEAR_DISTANCE);
    }
    const stranger = join(home.path, 'stranger.wav');
    await makeSound(stranger, 9);
    expect(await findNear(store, sha256('a stranger'), await listen(stranger))).toEqual([]);
    // Never itself.
    expect(await findNear(store, sha256('3'), await listen(join(home.path, 'sound-3.wav')))).toEqual([]);
  }, 180_000);

  test('of silence, or of less than a second, is near to nothing', async () => {
    const { store } = adapters;
    const silence = await fingerprintOf([new Float32Array(5 * SAMPLE_RATE_HZ)]);
    await indexFingerprint(store, sha256('silence'), silence);
    expect(await findNear(store, sha256('other silence'), silence)).toEqual([]);
    const short = await fingerprintOf([new Float32Array(100)]);
    await indexFingerprint(store, sha256('short'), short);
    expect(await findNear(store, sha256('other short'), short)).toEqual([]);
  });

  test('is the same whatever the size of the blocks, and comes back from the store as it was', async () => {
    const path = join(home.path, 'blocks.wav');
    await makeSound(path, 6, 3);
    const blocks: Float32Array[] = [];
    for await (const block of decodeAudio(path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 1 })) blocks.push(block);
    const samples = Float32Array.from(blocks.flatMap((block) => [...block]));
    const odd = Array.from({ length: Math.ceil(samples.length / 997) }, (_, n) =>
      samples.subarray(997 * n, 997 * (n + 1)),
    );
    const whole = await fingerprintOf([samples]);
    expect(await fingerprintOf(odd)).toEqual(whole);
    expect(unpackFingerprint(packFingerprint(whole))).toEqual({ words: whole.words, heard: whole.heard });
    expect(whole.words.length).toBe(Math.floor((samples.length - 4096) / 256));
  }, 60_000);
});

/** Real clips, where there are any: they may not be shipped. All of them with SOUNDSTAGE_ALL_CLIPS=1 (minutes). */
const CLIPS = process.env.SOUNDSTAGE_DATA ? join(process.env.SOUNDSTAGE_DATA, 'foley') : '';
const clips =
  CLIPS !== '' && existsSync(CLIPS)
    ? (readdirSync(CLIPS, { recursive: true }) as string[]).filter((name) => name.endsWith('.mp4')).sort()
    : [];
const chosen = clips.filter((_, n) => process.env.SOUNDSTAGE_ALL_CLIPS === '1' || n % 6 === 0);
if (clips.length === 0) console.log('0 real clips tested: set SOUNDSTAGE_DATA to the folder that holds foley/.');
const describeReal = chosen.length > 0 ? describe : describe.skip;

describeReal(`over ${chosen.length} real clips (of ${clips.length}), the threshold`, () => {
  test('parts copies from strangers, and the index finds the copies', async () => {
    const { store } = adapters;
    const originals: { name: string; hash: string; fingerprint: Fingerprint }[] = [];
    for (const name of chosen) {
      const fingerprint = await listen(join(CLIPS, name));
      if (fingerprint.heard.filter((heard) => heard).length < 2 * LEAST_OVERLAP) continue;
      originals.push({ name, hash: sha256(name), fingerprint });
      await indexFingerprint(store, sha256(name), fingerprint);
    }
    const strangers: number[] = [];
    for (const [n, a] of originals.entries()) {
      for (const b of originals.slice(0, n)) {
        const offsets = everyOffset(a.fingerprint, b.fingerprint);
        const match = compareAt(a.fingerprint, b.fingerprint, offsets, LEAST_OVERLAP);
        if (match) strangers.push(match.distance);
      }
    }
    const copy = join(home.path, 'real-copy');
    const measured: string[] = [];
    let found = 0;
    let asked = 0;
    for (const [how, args] of Object.entries(COPIES)) {
      const distances: number[] = [];
      for (const { name, hash } of originals) {
        await ffmpeg('-i', join(CLIPS, name), '-vn', ...args, copy);
        const matches = await findNear(store, sha256(`copy of ${name}`), await listen(copy));
        asked++;
        // No stranger is ever flagged.
        expect(matches.filter((match) => match.sha256 !== hash)).toEqual([]);
        if (matches.length > 0) found++;
        distances.push(matches[0]?.distance ?? 1);
      }
      const known = distances.filter((distance) => distance < 1).sort((a, b) => a - b);
      measured.push(`${how}: ${known.length} of ${distances.length}, farthest ${known.at(-1)?.toFixed(3)}`);
    }
    const nearest = strangers.reduce((least, distance) => Math.min(least, distance), 1);
    console.log(`${measured.join('\n')}\nnearest of ${strangers.length} pairs of strangers ${nearest.toFixed(3)}`);
    expect(nearest).toBeGreaterThan(NEAR_DISTANCE + 0.03);
    expect(found / asked).toBeGreaterThan(0.95);
  }, 1_800_000);
});

function* everyOffset(a: Fingerprint, b: Fingerprint): Generator<number> {
  // compareAt looks at the neighbours of each, too.
  for (let offset = -b.words.length; offset < a.words.length; offset += 3) yield offset;
}
