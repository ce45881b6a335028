import { describe, expect, test } from '@jest/globals';
import { measureLoudness } from '@soundstage/media';
import { limited } from './limiter.js';
import { CEILING_DBTP, levelFor, mixed, TARGET_LUFS, UNDER_ORIGINAL_LU } from './mix.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';
import { seededRandom } from './random.js';
import { truePeakFollower } from './true-peak.js';

/** Bright decaying blows at random places: interleaved stereo. */
function blows(count: number, durationS: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const pcm = new Float32Array(durationS * SAMPLE_RATE_HZ * 2);
  for (let n = 0; n < count; n++) {
    const start = Math.floor(random.between(0, durationS - 0.3) * SAMPLE_RATE_HZ);
    const hz = random.between(400, 9000);
    for (let i = 0; i < 12_000; i++) {
      const x =
        Math.exp(-i / 1500) *
        (0.5 * Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE_HZ + 0.7) + random.between(-0.3, 0.3));
      pcm[(start + i) * 2]! += x;
      pcm[(start + i) * 2 + 1]! += 0.7 * x;
    }
  }
  return pcm;
}

function* blocksOf(pcm: Float32Array): Generator<Float32Array> {
  for (let i = 0; i < pcm.length; i += 9600) yield pcm.subarray(i, i + 9600);
}

async function* streamed(pcm: Float32Array): AsyncGenerator<Float32Array> {
  for (let i = 0; i < pcm.length; i += 7000) yield pcm.subarray(i, i + 7000);
}

async function joined(blocks: AsyncIterable<Float32Array>): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for await (const block of blocks) parts.push(block);
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/** As ffmpeg hears it. */
async function heard(pcm: Float32Array): Promise<{ lufs: number; peakDbtp: number }> {
  const { integratedLufs, truePeakDbtp } = await measureLoudness({
    blocks: [pcm],
    sampleRateHz: SAMPLE_RATE_HZ,
    channels: 2,
  });
  return { lufs: integratedLufs, peakDbtp: truePeakDbtp };
}

describe('the limiter', () => {
  test('keeps the true peak under the ceiling, as ffmpeg measures it', async () => {
    const out = await joined(limited(blocksOf(blows(20, 3, 5)), 4, 10 ** (-2 / 20)));
    expect((await heard(out)).peakDbtp).toBeLessThanOrEqual(-1.9);
  });

  test.each([3, 40])('sees the true peak of %i blows to 0.2 dB of what ffmpeg sees', async (count) => {
    const pcm = blows(count, 3, count);
    const follow = truePeakFollower();
    let peak = 0;
    for (let i = 0; i < pcm.length; i += 2) peak = Math.max(peak, follow(pcm[i]!, pcm[i + 1]!, peak));
    expect(Math.abs(20 * Math.log10(peak) - (await heard(pcm)).peakDbtp)).toBeLessThanOrEqual(0.2);
  });

  test('leaves alone what is under the ceiling, and moves nothing in time', async () => {
    const pcm = blows(10, 3, 6).map((x) => x * 0.2);
    const out = await joined(limited(blocksOf(pcm), 1, 0.9));
    expect(out).toHaveLength(pcm.length);
    expect(out.every((x, i) => Math.abs(x - pcm[i]!) < 1e-6)).toBe(true);
  });

  test('gives back as many frames as it got, also when they are fewer than it looks ahead', async () => {
    for (const frames of [1, 50, 111, 112, 113, 4800]) {
      expect(await joined(limited([new Float32Array(frames * 2).fill(0.5)], 1, 0.1))).toHaveLength(frames * 2);
    }
  });
});

describe('the level', () => {
  test.each([1e-2, 1, 5])(
    'of a soundtrack that was %f times as loud is on target, or limited by its peaks and says so',
    async (gain) => {
      const pcm = blows(8, 3, 9).map((x) => x * gain);
      const level = await levelFor(() => blocksOf(pcm));
      const { lufs, peakDbtp } = await heard(await joined(mixed({ blocks: blocksOf(pcm), level })));
      expect(peakDbtp).toBeLessThanOrEqual(CEILING_DBTP);
      if (level.warnings.length === 0) expect(Math.abs(lufs - TARGET_LUFS)).toBeLessThan(1);
      else expect(lufs).toBeLessThan(TARGET_LUFS);
    },
  );

  test('of one click in a long silence is held by its peak, with a warning', async () => {
    const pcm = new Float32Array(SAMPLE_RATE_HZ * 2 * 4);
    pcm.fill(0.5, 96_000, 96_004);
    const level = await levelFor(() => [pcm]);
    expect(level.warnings).toEqual([expect.stringMatching(/softer/)]);
    expect((await heard(await joined(mixed({ blocks: [pcm], level })))).peakDbtp).toBeLessThanOrEqual(CEILING_DBTP);
  });

  test('of silence stays silence, with a warning', async () => {
    const level = await levelFor(() => [new Float32Array(96_000)]);
    expect(level.warnings).toHaveLength(1);
    expect(level.gainDb).toBeLessThanOrEqual(0);
  });
});

describe('a sound that is mixed under the original', () => {
  test('leaves the original as it was, where it is loud enough for both', async () => {
    const original = blows(20, 4, 3).map((x) => x * 0.3);
    const silent = { blocks: blocksOf(new Float32Array(original.length)), level: { gainDb: 0, warnings: [] } };
    const out = await joined(mixed({ ...silent, original: streamed(original) }));
    expect(out.every((x, i) => Math.abs(x - original[i]!) < 1e-6)).toBe(true);
  });

  test('is softer than it by a fixed distance, and the sum keeps the ceiling', async () => {
    const [original, fresh] = [blows(20, 4, 3), blows(20, 4, 4)];
    const { lufs } = await heard(original);
    const level = await levelFor(() => blocksOf(fresh), { targetLufs: lufs - UNDER_ORIGINAL_LU });
    const alone = await heard(fresh.map((x) => x * 10 ** (level.gainDb / 20)));
    expect(alone.lufs).toBeLessThanOrEqual(lufs - UNDER_ORIGINAL_LU + 0.1);
    const both = await joined(mixed({ blocks: blocksOf(fresh), level, original: streamed(original) }));
    expect((await heard(both)).peakDbtp).toBeLessThanOrEqual(CEILING_DBTP);
  });

  test('goes on where the original is shorter, and ends where the picture ends', async () => {
    const level = { gainDb: 0, warnings: [] };
    const blocks = [new Float32Array(9600).fill(0.1), new Float32Array(9600).fill(0.1)];
    const out = await joined(mixed({ blocks, level, original: streamed(new Float32Array(4000).fill(0.2)) }));
    expect(out).toHaveLength(19_200);
    expect([out[100], out[10_000]].map((x) => x!.toFixed(3))).toEqual(['0.300', '0.100']);
  });
});
