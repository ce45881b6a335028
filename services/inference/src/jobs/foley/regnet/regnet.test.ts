import { longTest } from '@soundstage/core/contract-tests';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@soundstage/core/testing';
import { hashVideoPackets, measureLoudness, probe } from '@soundstage/media';
import { readInferenceConfig } from '../../../config.js';
import { HEARD_RATE_HZ, heard, strengthAt } from '../../../testing/hearing.js';
import { pitchOf, regnetModels } from '../../../testing/regnet-models.js';
import { H264, makeVideo } from '../../../testing/silent-video.js';
import { openFoley, type Foley, type FoleyMade } from '../open-foley.js';

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let foley: Foley;
const path = (name: string): string => join(home.path, name);

beforeAll(async () => {
  home = await temporaryFolder();
  foley = await open('models', { regnet: 1, vocoder: 1, griffin_lim: 1 });
  flashes('flashes.mp4');
}, 60_000);
afterAll(async () => {
  await foley?.close();
  await home.remove();
});

async function open(name: string, models: Record<string, number>): Promise<Foley> {
  const config = {
    ...readInferenceConfig({}),
    SOUNDSTAGE_MODELS_DIR: await regnetModels(path(name), models),
    SOUNDSTAGE_MODEL_THREADS: 1,
  };
  return openFoley({ config, engines: ['regnet'] });
}

/** Dark, and bright for a quarter of a second from 0.5, 1.5, 2.5 s … */
function flashes(name: string, { durationS = 3, rate = 25, more = [] as string[] } = {}): string {
  const flash = `drawbox=w=iw:h=ih:color=white:t=fill:enable='between(mod(t,1),0.499,0.749)'`;
  makeVideo(
    path(name),
    '-f',
    'lavfi',
    '-i',
    `color=c=0x101010:s=160x120:r=${rate}:d=${durationS},${flash}`,
    ...more,
    ...H264,
  );
  return path(name);
}

async function run(input: string, output: string, over: Partial<Parameters<Foley['run']>[0]> = {}): Promise<FoleyMade> {
  return foley.run({ engine: 'regnet', inputPath: input, outputPaths: [path(output)], seed: 1, ...over });
}

/** How loud it is around each hundredth of a second: the root mean square of 20 ms. */
function levels(pcm: Float32Array): Float32Array {
  const step = HEARD_RATE_HZ / 100;
  return Float32Array.from({ length: Math.floor(pcm.length / step) }, (_, i) => {
    const part = pcm.subarray(Math.max(0, (i - 1) * step), (i + 1) * step);
    return Math.sqrt(part.reduce((sum, x) => sum + x * x, 0) / part.length);
  });
}

const sha256 = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

describe('a silent video gets the sound that a net draws', () => {
  let made: FoleyMade;
  beforeAll(async () => {
    made = await run(path('flashes.mp4'), 'out.mp4');
  }, 60_000);

  test('its picture is copied bit for bit, and its sound is stereo at 48 kHz, as long as it', async () => {
    expect(await hashVideoPackets(path('out.mp4'))).toBe(await hashVideoPackets(path('flashes.mp4')));
    const { audio, video } = await probe(path('out.mp4'));
    expect(audio).toMatchObject({ sampleRateHz: HEARD_RATE_HZ, channels: 2 });
    expect(audio!.durationS).toBeCloseTo(video!.durationS, 1);
  });

  test('the sound follows the picture: it begins and ends with each flash, to one and a half of the net’s frames', async () => {
    const level = levels(await heard(path('out.mp4')));
    const half = level.reduce((a, b) => Math.max(a, b)) / 2;
    const [begins, ends] = [[], []] as [number[], number[]];
    for (let i = 1; i < level.length; i++) {
      if (level[i - 1]! < half && level[i]! >= half) begins.push(i / 100);
      if (level[i - 1]! >= half && level[i]! < half) ends.push(i / 100);
    }
    expect(begins).toHaveLength(3);
    expect(ends).toHaveLength(3);
    begins.forEach((timeS, i) => expect(Math.abs(timeS - (i + 0.5))).toBeLessThan(0.07));
    ends.forEach((timeS, i) => expect(Math.abs(timeS - (i + 0.75))).toBeLessThan(0.07));
  });

  test('it is as loud as the soundtracks of the palette, and the outcome says what the file says', async () => {
    const { integratedLufs, truePeakDbtp } = await measureLoudness(path('out.mp4'));
    expect(integratedLufs).toBeCloseTo(-23, 0);
    expect(truePeakDbtp).toBeLessThanOrEqual(-1);
    expect(made.candidates[0]).toMatchObject({ loudnessLufs: integratedLufs, truePeakDbtp, sheet: undefined });
  });

  test('it names its models with their versions, and says what the card says of the net', () => {
    expect(made).toMatchObject({
      engine: 'regnet',
      models: ['classifier', 'flow', 'flow_image', 'regnet', 'vocoder'].map((name) => ({ name, version: '1' })),
      classes: [],
    });
    expect(made.warnings.join()).toContain('regnet 1: It was made by hand, of nothing.');
    expect(made.warnings.join()).not.toContain('Griffin-Lim');
  });

  test('the same seed gives the same bytes; candidates take the next seeds and differ', async () => {
    const outputPaths = [path('take-1.mp4'), path('take-2.mp4')];
    const two = await run(path('flashes.mp4'), '', { outputPaths });
    expect(two.candidates.map(({ seed }) => seed)).toEqual([1, 2]);
    const [first, second] = await Promise.all(outputPaths.map(sha256));
    expect(first).toBe(await sha256(path('out.mp4')));
    expect(second).not.toBe(first);
  }, 60_000);
});

describe('a film longer than the net sees at once', () => {
  longTest(
    'sounds without a seam, and late in it still in time',
    async () => {
      // Ever brighter, black for a moment at 11 s: between, the level rises as evenly as the picture.
      const grey = `format=gray,geq=lum='if(between(T,10.99,11.49),0,120+5*T)'`;
      makeVideo(path('long.mp4'), '-f', 'lavfi', '-i', `color=c=black:s=32x32:r=25:d=14,${grey}`, ...H264, '-qp', '1');
      await run(path('long.mp4'), 'long-out.mp4');
      const level = levels(await heard(path('long-out.mp4')));
      const full = level.slice(700, 1050).reduce((a, b) => a + b) / 350;
      const black = Array.from(level.keys()).filter((i) => i > 5 && i < 1390 && level[i]! < full / 2);
      expect(Math.abs(black[0]! / 100 - 11)).toBeLessThan(0.06);
      expect(Math.abs(black.at(-1)! / 100 - 11.5)).toBeLessThan(0.06);
      expect(black.length).toBeLessThan(60);
      // Windows meet after 8 s, pieces of sound every 5 s: no step, no hole, nothing louder.
      for (let i = 100; i < 1050; i++) {
        const expected = (level[i - 40]! + level[i + 40]!) / 2;
        expect(Math.abs(level[i]! / expected - 1)).toBeLessThan(0.03);
      }
    },
    60_000,
  );
});

describe('without a vocoder', () => {
  test('Griffin-Lim makes it sound, with a warning; without either, or without a regnet, the sentence says how to make them', async () => {
    const input = path('flashes.mp4');
    const plain = await open('plain', { regnet: 2, griffin_lim: 1 });
    try {
      const outcome = await plain.run({ engine: 'regnet', inputPath: input, outputPaths: [path('plain.mp4')] });
      expect(outcome.models.at(-1)).toEqual({ name: 'griffin_lim', version: '1' });
      expect(outcome.warnings.join()).toMatch(/no vocoder.*Griffin-Lim/);
      const pcm = (await heard(path('plain.mp4'))).subarray(0.55 * HEARD_RATE_HZ, 0.7 * HEARD_RATE_HZ);
      const strengths = [1, 2].flatMap((version) => (['vocoder', 'griffin_lim'] as const).map((voice) => strengthAt(pitchOf(version, voice), pcm))); // prettier-ignore
      expect(strengths.indexOf(Math.max(...strengths))).toBe(3);
    } finally {
      await plain.close();
    }
    for (const models of [{ regnet: 1 }, { vocoder: 1 }] as Record<string, number>[]) {
      const lacking = await open(`lacking-${Object.keys(models)[0]!}`, models);
      const work = lacking.run({ engine: 'regnet', inputPath: input, outputPaths: [path('never.mp4')] });
      await expect(work).rejects.toMatchObject({
        reason: 'NOT_FOUND',
        message: expect.stringContaining('soundstage pipeline run pipelines/foley.yaml'),
      });
      await lacking.close();
    }
  }, 60_000);
});

describe('what the net can’t do is refused', () => {
  test('a still image, and a video that has sound already', async () => {
    makeVideo(path('still.png'), '-f', 'lavfi', '-i', 'testsrc2=s=64x48', '-frames:v', '1');
    await expect(run(path('still.png'), 'never.mp4')).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining('still image'),
    });
    flashes('loud.mp4', { durationS: 1, more: ['-f', 'lavfi', '-i', 'sine=d=1', '-shortest'] });
    await expect(run(path('loud.mp4'), 'never.mp4')).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    await run(path('loud.mp4'), 'kept.mp4', { keepOriginal: true });
    expect((await probe(path('kept.mp4'))).audio).toBeDefined();
  }, 60_000);

  test('but a video of two pictures gets its sound', async () => {
    await run(flashes('short.mp4', { durationS: 0.08 }), 'short-out.mp4');
    expect((await probe(path('short-out.mp4'))).audio).toBeDefined();
  }, 60_000);
});
