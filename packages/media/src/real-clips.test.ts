import { afterAll, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { decodeAudio, hashVideoPackets, muxSound, probe } from './index.js';
import { allFrames, testFolder } from './test-media.js';

const root = process.env['SOUNDSTAGE_DATA'] ? join(process.env['SOUNDSTAGE_DATA'], 'foley') : undefined;
const clips =
  root !== undefined && existsSync(root)
    ? readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => extname(name) === '.mp4')
        .sort()
    : [];
const folder = testFolder();
afterAll(folder.remove);

test('real clips decode to the frames and the sound that their headers promise, and take new sound', async () => {
  if (root === undefined || clips.length === 0) {
    console.log('0 real clips tested: set SOUNDSTAGE_DATA to the folder that holds foley/.');
    return;
  }
  const tested = clips.filter((_, index) => index % 6 === 0);
  for (const name of tested) {
    const path = join(root, name);
    const info = await probe(path);
    const frames = await allFrames(path, { info });
    expect({ name, ratio: frames.length / (info.video?.frameCount ?? 0) }).toEqual({ name, ratio: 1 });
    const steps = frames.slice(1).map((frame, index) => frame.timeS - (frames[index]?.timeS ?? 0));
    expect({ name, rising: steps.every((step) => step > 0) }).toEqual({ name, rising: true });
    if (info.audio !== undefined) {
      let samples = 0;
      for await (const block of decodeAudio(path, { sampleRateHz: 16_000, channels: 1, info })) samples += block.length;
      expect(Math.abs(samples / 16_000 - info.durationS)).toBeLessThan(0.5);
    }
    const sound = { blocks: [new Float32Array(9600)], sampleRateHz: 48_000, channels: 2 as const };
    await muxSound({ videoPath: path, sound, outputPath: folder.path('out.mp4'), info });
    expect(await hashVideoPackets(folder.path('out.mp4'))).toBe(await hashVideoPackets(path));
  }
  console.log(`${tested.length} of ${clips.length} real clips tested.`);
}, 180_000);
