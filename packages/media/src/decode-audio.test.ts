import { afterAll, expect, test } from '@jest/globals';
import { decodeAudio } from './decode-audio.js';
import { H264, makeMedia, testFolder } from './test-media.js';

const folder = testFolder();
afterAll(folder.remove);
const CLICKS = 'aevalsrc=lt(mod(t\\,1)\\,0.005):s=48000:d=12';
const MID_SECOND_CLICKS = 'aevalsrc=lt(abs(mod(t\\,1)-0.5)\\,0.005):s=48000:d=12';

/** Seconds after the part's beginning at which clicks begin. */
async function clicksIn(path: string, part: { startS?: number; durationS?: number }): Promise<number[]> {
  const found: number[] = [];
  let at = 0;
  let lastS = -1;
  for await (const block of decodeAudio(path, { sampleRateHz: 16_000, channels: 1, ...part }))
    for (const sample of block) {
      const timeS = at++ / 16_000;
      if (Math.abs(sample) < 0.25) continue;
      if (timeS - lastS > 0.1) found.push(timeS);
      lastS = timeS;
    }
  expect(at / 16_000).toBeLessThan((part.durationS ?? 12) + 0.05);
  return found;
}

test.each([
  ['mp4', ['-c:a', 'aac']],
  ['mkv', ['-c:a', 'pcm_s16le']],
  ['ts', ['-c:a', 'mp2']],
])('a part of the sound of an %s begins where it was asked for', async (extension, codec) => {
  const path = folder.path(`clicks.${extension}`);
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=12'];
  makeMedia(...picture, '-f', 'lavfi', '-i', CLICKS, ...H264, ...codec, path);
  const whole = await clicksIn(path, {});
  expect(whole.length).toBeGreaterThanOrEqual(11);
  for (const startS of [2.5, 5.52, 9]) {
    const found = await clicksIn(path, { startS, durationS: 2.3 });
    const expected = whole.map((timeS) => timeS - startS).filter((timeS) => timeS > 0.02 && timeS < 2.28);
    expect(found.filter((timeS) => timeS > 0.02 && timeS < 2.28)).toHaveLength(expected.length);
    for (const timeS of expected)
      expect(Math.min(...found.map((other) => Math.abs(other - timeS)))).toBeLessThan(0.004);
  }
});

test.each([
  ['part', 0.03],
  ['overlap', -0.03],
])(
  'sound is heard where its time stamps say, also where they %s by less than 0.1 s again and again',
  async (_, stepS) => {
    const whole = folder.path('whole.mkv');
    const path = folder.path(`joined ${stepS}.mkv`);
    makeMedia('-f', 'lavfi', '-i', MID_SECOND_CLICKS, '-c:a', 'pcm_s16le', whole);
    // From each second on the stamps are a step further from where the samples alone would be.
    const stamps = `PTS+trunc(PTS*TB)*${stepS}/TB`;
    makeMedia('-i', whole, '-c', 'copy', '-bsf:a', `setts=pts=${stamps}:dts=${stamps}`, path);
    const found = await clicksIn(path, { durationS: 12.4 });
    expect(found).toHaveLength(12);
    for (const [second, timeS] of found.entries())
      expect(Math.abs(timeS - (0.495 + second * (1 + stepS)))).toBeLessThan(0.02);
  },
);
