import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { longTests } from '@soundstage/core/contract-tests';
import { writeCues, type CueSheet } from '@soundstage/cues';
import { decodeAudio, hashVideoPackets, measureLoudness, probe } from '@soundstage/media';
import type { FoleyCandidate, FoleyOutcome, FoleyStep } from './foley.js';
import { CEILING_DBTP, TARGET_LUFS } from './render/mix.js';
import { openFoley, type Foley } from './open-foley.js';
import { SAMPLE_RATE_HZ } from './render/sample-rate.js';

const DATA = process.env['SOUNDSTAGE_DATA'] ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url));

let folder: string;
let foley: Foley;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foley-'));
  foley = await openFoley();
}, 60_000);
afterAll(async () => {
  await foley.close();
  await rm(folder, { recursive: true, force: true });
});

function ffmpeg(...args: string[]): void {
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);
}

/** A white bar that comes down fast on a grey table once a second and rises slowly: it stops at 0.5, 1.5, 2.5 s … */
function bouncingBar(
  name: string,
  options: {
    durationS?: number;
    size?: string;
    rate?: string;
    sound?: string[];
    output?: string[];
    thin?: string;
  } = {},
): string {
  const { durationS = 4, size = '320x240', rate = '30', sound = [], output = [], thin = 'null' } = options;
  const path = join(folder, name);
  const [width, height] = size.split('x').map(Number) as [number, number];
  const phase = 'mod(t,1)';
  // Falls a third of the height within 0.12 s, then stops dead.
  const down = `if(lt(${phase},0.38),0,if(lt(${phase},0.5),pow((${phase}-0.38)/0.12,2),max(0,1-(${phase}-0.5)*2.2)))`;
  const picture = [
    `color=c=0x303030:s=${size}:r=${rate}:d=${durationS}[room]`,
    `color=c=0xa08060:s=${width}x${Math.floor(height / 4)}:r=${rate}:d=${durationS},noise=alls=30[table]`,
    `color=c=white:s=${Math.floor(width / 3)}x${Math.floor(height / 5)}:r=${rate}:d=${durationS},noise=alls=40[bar]`,
    `[room][table]overlay=0:H*3/4[scene]`,
    `[scene][bar]overlay=x=W/3:y='H*0.15+H*0.4*(${down})',${thin}`,
  ].join(';');
  ffmpeg(
    '-filter_complex',
    picture,
    ...sound,
    '-t',
    String(durationS),
    '-fps_mode',
    'vfr',
    '-pix_fmt',
    'yuv420p',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    ...output,
    path,
  );
  return path;
}

/** What a job with one candidate made. */
type Made = FoleyOutcome &
  FoleyCandidate & { sheet: CueSheet; output: string; loudnessLufs: number; truePeakDbtp: number };

async function run(
  inputPath: string,
  outputName: string,
  over: Partial<Parameters<Foley['run']>[0]> = {},
): Promise<Made> {
  const outcome = await foley.run({
    inputPath,
    outputPaths: [join(folder, outputName)],
    seed: 1,
    sound: 'wood',
    ...over,
  });
  return { ...outcome, ...outcome.candidates[0] } as Made;
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** Mono, as a player hears it. */
async function heard(path: string): Promise<Float32Array> {
  const blocks: Float32Array[] = [];
  for await (const block of decodeAudio(path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 1 })) blocks.push(block);
  return Float32Array.from(blocks.flatMap((block) => Array.from(block)));
}

/** The first time after fromS at which the sound is a tenth as high as it gets in the next 50 ms. */
function attackAfter(pcm: Float32Array, fromS: number): number {
  const from = Math.max(0, Math.round(fromS * SAMPLE_RATE_HZ));
  const part = pcm.subarray(from, from + SAMPLE_RATE_HZ / 20);
  const highest = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return (from + part.findIndex((x) => Math.abs(x) > highest / 10)) / SAMPLE_RATE_HZ;
}

describe('a silent video gets sound', () => {
  let input: string;
  let outcome: Made;
  const steps: [FoleyStep, number][] = [];

  beforeAll(async () => {
    input = bouncingBar('bar.mp4');
    outcome = await run(input, 'bar-out.mp4', { onProgress: (step, fraction) => steps.push([step, fraction]) });
  }, 60_000);

  test('the blows are heard when the bar stops: within 80 ms of at least three of four stops', () => {
    const stops = [0.5, 1.5, 2.5, 3.5];
    const hit = stops.filter((stopS) => outcome.sheet.hits.some(({ timeS }) => Math.abs(timeS - stopS) < 0.08));
    expect(hit.length).toBeGreaterThanOrEqual(3);
    expect(outcome.sheet.hits.length).toBeLessThanOrEqual(8);
  });

  test('each blow that stands alone begins within 10 ms of its onset in the finished file', async () => {
    const pcm = await heard(outcome.output);
    const alone = outcome.sheet.hits.filter(
      ({ timeS }, i) => timeS > 0.05 && timeS - (outcome.sheet.hits[i - 1]?.timeS ?? -1) > 0.35,
    );
    expect(alone.length).toBeGreaterThanOrEqual(3);
    for (const { timeS } of alone) expect(Math.abs(attackAfter(pcm, timeS - 0.02) - timeS)).toBeLessThan(0.01);
  });

  test('the picture is the same, packet for packet', async () => {
    expect(await hashVideoPackets(outcome.output)).toBe(await hashVideoPackets(input));
  });

  test('the sound is 48 kHz stereo and as long as the picture', async () => {
    const info = await probe(outcome.output);
    expect(info.audio).toMatchObject({ sampleRateHz: 48_000, channels: 2 });
    expect(Math.abs((await heard(outcome.output)).length / SAMPLE_RATE_HZ - outcome.durationS)).toBeLessThan(0.03);
  });

  test('it is as loud as EBU R128 asks for, or softer with a warning, and never above −1 dBTP', async () => {
    const { integratedLufs, truePeakDbtp } = await measureLoudness(outcome.output);
    expect(truePeakDbtp).toBeLessThanOrEqual(CEILING_DBTP);
    expect(integratedLufs).toBeCloseTo(outcome.loudnessLufs, 1);
    const limited = outcome.warnings.some((warning) => /softer/.test(warning));
    if (!limited) expect(Math.abs(integratedLufs - TARGET_LUFS)).toBeLessThan(1);
  });

  test('every recording that was used is named with its licence', () => {
    expect(outcome.sounds.length).toBeGreaterThan(0);
    for (const { name, licence } of outcome.sounds)
      expect([name, licence]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
  });

  test('progress goes through all steps in order, each from 0 to 1', () => {
    expect([...new Set(steps.map(([step]) => step))]).toEqual(foley.steps.map(({ name }) => name));
    for (const { name } of foley.steps) {
      const fractions = steps.filter(([step]) => step === name).map(([, fraction]) => fraction);
      expect(fractions[0]).toBe(0);
      expect(fractions.at(-1)).toBe(1);
      expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    }
  });

  test('the same seed gives the same file, byte for byte; another seed another sound', async () => {
    const again = await run(input, 'bar-again.mp4');
    const other = await run(input, 'bar-other.mp4', { seed: 2 });
    expect(await sha256(again.output)).toBe(await sha256(outcome.output));
    expect(await sha256(other.output)).not.toBe(await sha256(outcome.output));
    expect(other.sheet.hits.map(({ timeS }) => timeS)).toEqual(outcome.sheet.hits.map(({ timeS }) => timeS));
  }, 60_000);
});

describe('all kinds of videos', () => {
  test('a continuous sound follows the motion and has no gap', async () => {
    const outcome = await run(bouncingBar('rain.mp4'), 'rain-out.mp4', { sound: 'rain' });
    const pcm = await heard(outcome.output);
    for (let at = 0; at + 4800 < pcm.length - 4800; at += 4800) {
      expect(pcm.subarray(at, at + 4800).some((x) => Math.abs(x) > 1e-4)).toBe(true);
    }
  });

  test('a video in which nothing moves gets the sound of a place and a warning, no invented blows', async () => {
    const path = join(folder, 'still.mp4');
    ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'color=c=gray:s=320x240:r=25:d=2,noise=alls=6:allf=t',
      '-pix_fmt',
      'yuv420p',
      '-c:v',
      'libx264',
      path,
    );
    const outcome = await run(path, 'still-out.mp4', { sound: undefined });
    expect(outcome.sheet.hits).toEqual([]);
    expect(outcome.warnings.join()).toMatch(/Nothing moves/);
    expect(outcome.truePeakDbtp).toBeLessThanOrEqual(CEILING_DBTP);
  });

  test.each([
    ['a turned video', { output: ['-metadata:s:v', 'rotate=90'] }],
    ['an odd size', { size: '322x182' }],
    ['a variable frame rate', { thin: "select='not(mod(n,5))+lt(mod(n,9),4)'" }],
    ['60 frames a second', { rate: '60' }],
    ['5 frames a second', { rate: '5' }],
  ])('%s goes through, with the same picture', async (what, options) => {
    const input = bouncingBar(`${what.replaceAll(' ', '-')}.mp4`, { durationS: 2, ...options });
    const outcome = await run(input, `out-${what.replaceAll(' ', '-')}.mp4`);
    expect(await hashVideoPackets(outcome.output)).toBe(await hashVideoPackets(input));
    expect(outcome.truePeakDbtp).toBeLessThanOrEqual(CEILING_DBTP);
  });

  test('a silent sound track counts as none: it is replaced, with a warning', async () => {
    const input = bouncingBar('hush.mp4', {
      durationS: 2,
      sound: ['-f', 'lavfi', '-i', 'anullsrc=r=44100:cl=mono', '-shortest'],
    });
    const outcome = await run(input, 'hush-out.mp4');
    expect(outcome.warnings.join()).toMatch(/is silent; it was replaced/);
    expect((await probe(outcome.output)).streams).toBe(2);
  });

  test('with keepOriginal the video’s own sound stays, and stays the louder one', async () => {
    const input = bouncingBar('tone.mp4', {
      durationS: 3,
      sound: ['-f', 'lavfi', '-i', 'sine=f=330:r=48000:d=3', '-shortest'],
    });
    const before = await measureLoudness(input);
    const outcome = await run(input, 'tone-out.mp4', { keepOriginal: true });
    expect(outcome.loudnessLufs).toBeGreaterThan(before.integratedLufs - 0.5);
    expect(outcome.loudnessLufs).toBeLessThan(before.integratedLufs + 2.5);
    expect(outcome.truePeakDbtp).toBeLessThanOrEqual(CEILING_DBTP);
  });
});

describe('a still image', () => {
  test('gets an ambience of the asked length, and says so', async () => {
    const path = join(folder, 'view.png');
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=322x241', '-frames:v', '1', path);
    const outcome = await run(path, 'view-out.mp4', { sound: undefined, stillDurationS: 3.5 });
    const info = await probe(outcome.output);
    expect(info.durationS).toBeCloseTo(3.5, 1);
    expect(info.video).toMatchObject({ width: 322, height: 240 });
    expect(outcome.sheet.hits).toEqual([]);
    expect(outcome.sheet.layers).toHaveLength(1);
    expect(outcome.warnings.join()).toMatch(/Nothing moves in the picture, so there is an ambience alone: /);
  });
});

describe('the cue sheet', () => {
  const cuesOf = (outcome: FoleyOutcome): CueSheet => outcome.candidates[0]!.sheet!;
  let input: string;
  let planned: FoleyOutcome;

  beforeAll(async () => {
    input = bouncingBar('cues.mp4');
    planned = await foley.run({ inputPath: input, sound: 'wood', seed: 1 });
  }, 60_000);

  test('can be had alone: no video is made, every hit has its time, class, sound, strength, side and confidence', () => {
    expect(planned.candidates[0]!.output).toBeUndefined();
    expect(cuesOf(planned)).toMatchObject({ format: 'soundstage-cues', scene: 'struck', video: { durationS: 4 } });
    for (const hit of cuesOf(planned).hits) {
      expect(hit).toMatchObject({ class: 'wood', sound: expect.any(String), muted: false });
      for (const share of [hit.strength, hit.confidence]) expect(share >= 0 && share <= 1).toBe(true);
      expect(Math.abs(hit.pan)).toBeLessThanOrEqual(1);
    }
  });

  test('renders to the very video that the job makes by itself', async () => {
    const direct = await run(input, 'direct.mp4');
    const cues = { text: writeCues(cuesOf(planned)), name: 'cues.json' };
    const rendered = await run(input, 'from-cues.mp4', { cues, sound: undefined, seed: undefined });
    expect(await sha256(rendered.output)).toBe(await sha256(direct.output));
  });

  test('a hit that a person moves, adds or takes away is heard there, and only there', async () => {
    const sheet = cuesOf(planned);
    const hit = { ...sheet.hits[0]!, confidence: 1, strength: 1 };
    const hits = [
      { ...hit, id: 'moved', timeS: 0.25 },
      { ...hit, id: 'added', timeS: 2.75, class: 'metal', sound: undefined },
    ];
    const cues = { text: writeCues({ ...sheet, hits }), name: 'edited.json' };
    const edited = await run(input, 'edited.mp4', { cues, sound: undefined });
    const pcm = await heard(edited.output);
    for (const timeS of [0.25, 2.75]) expect(Math.abs(attackAfter(pcm, timeS - 0.02) - timeS)).toBeLessThan(0.01);
    const quiet = pcm.subarray(0, 0.24 * SAMPLE_RATE_HZ);
    expect(quiet.every((x) => Math.abs(x) < 1e-3)).toBe(true);
    expect(edited.sheet.hits[1]!.sound).toMatch(/./);
  });

  test('that is wrong is refused with its line, before anything is written', async () => {
    const text = writeCues(cuesOf(planned)).replace(/"time_s":[\d.]+/, '"time_s":99');
    const line = text.split('\n').findIndex((each) => each.includes('"time_s":99')) + 1;
    const work = run(input, 'refused-cues.mp4', { cues: { text, name: 'edited.json' }, sound: undefined });
    await expect(work).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining(`edited.json can't be used. Line ${line}:`),
    });
    expect(existsSync(join(folder, 'refused-cues.mp4'))).toBe(false);
  });

  test('what is muted is not heard', async () => {
    const cues = { text: writeCues(cuesOf(planned)), name: 'cues.json' };
    const muted = await run(input, 'muted.mp4', { cues, sound: undefined, mute: ['wood'] });
    expect((await heard(muted.output)).every((x) => Math.abs(x) < 1e-4)).toBe(true);
    expect(muted.sounds).toEqual([]);
  });
});

test('several candidates differ in sound, by their seeds, and agree in time', async () => {
  const input = bouncingBar('takes.mp4', { durationS: 2 });
  const outputPaths = [1, 2, 3].map((n) => join(folder, `take-${n}.mp4`));
  const { candidates } = await foley.run({ inputPath: input, outputPaths, sound: 'wood', seed: 5 });
  expect(candidates.map(({ seed }) => seed)).toEqual([5, 6, 7]);
  expect(candidates.map(({ output }) => output)).toEqual(outputPaths);
  expect(new Set(await Promise.all(outputPaths.map(sha256))).size).toBe(3);
  const times = candidates.map(({ sheet }) => JSON.stringify(sheet!.hits.map(({ timeS }) => timeS)));
  expect(new Set(times).size).toBe(1);
  const second = await run(input, 'take-2-alone.mp4', { seed: 6 });
  expect(await sha256(second.output)).toBe(await sha256(outputPaths[1]!));
}, 60_000);

describe('what can’t be done is refused in a sentence, and leaves nothing behind', () => {
  async function refused(inputPath: string, over: Partial<Parameters<Foley['run']>[0]> = {}): Promise<string> {
    const outputPath = join(folder, 'refused.mp4');
    const error: unknown = await run(inputPath, 'refused.mp4', over).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'BAD_INPUT' });
    expect(existsSync(outputPath)).toBe(false);
    expect((await readdir(folder)).filter((name) => name.startsWith('.soundstage-'))).toEqual([]);
    return (error as Error).message;
  }

  test('sound alone', async () => {
    const path = join(folder, 'song.wav');
    ffmpeg('-f', 'lavfi', '-i', 'sine=d=1', path);
    expect(await refused(path)).toMatch(/song\.wav.* has no picture/);
  });

  test('a still image that is to sound for longer than four hours', async () => {
    const path = join(folder, 'photo.png');
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240', '-frames:v', '1', path);
    expect(await refused(path, { stillDurationS: 20_000 })).toMatch(/up to 14400 s, not for 20000/);
  });

  test('a video that already has sound, with the way out', async () => {
    const path = bouncingBar('loud.mp4', { durationS: 1, sound: ['-f', 'lavfi', '-i', 'sine=d=1', '-shortest'] });
    expect(await refused(path)).toMatch(/loud\.mp4.* already has sound.*--keep-original/);
  });

  test('a sound that nobody knows, before anything is decoded', async () => {
    expect(await refused(join(folder, 'not-looked-at.mp4'), { sound: 'zyzzyx' })).toMatch(/no sound for "zyzzyx"/);
  });

  test('a cancelled job ends within a second, at every step, and the next one works', async () => {
    const input = bouncingBar('long.mp4', { durationS: 4 });
    const steps = longTests ? foley.steps : foley.steps.filter(({ name }) => name === 'look' || name === 'mux');
    expect(steps.length).toBeGreaterThan(1);
    for (const { name } of steps) {
      const controller = new AbortController();
      let cancelledMs = 0;
      const outputName = `cancelled-${name}.mp4`;
      const work = run(input, outputName, {
        sound: undefined,
        signal: controller.signal,
        onProgress: (step, fraction) => {
          if (step !== name || cancelledMs > 0 || (name === 'look' && fraction < 0.3)) return;
          cancelledMs = performance.now();
          controller.abort();
        },
      });
      await expect(work).rejects.toMatchObject({ reason: 'CANCELLED' });
      expect(performance.now() - cancelledMs).toBeLessThan(1000);
      expect((await readdir(folder)).filter((file) => file === outputName || file.startsWith('.soundstage-'))).toEqual(
        [],
      );
    }
    expect((await run(input, 'after-cancelled.mp4')).sheet.hits.length).toBeGreaterThan(0);
  }, 120_000);
});

const real = join(DATA, 'foley', 'condfoley_real', 'data-demo_video__chopping.mp4');
(existsSync(real) ? describe : describe.skip)('a real clip', () => {
  test('of chopping gets a blow for each cut of the knife: nine of ten within 60 ms of the recorded sound', async () => {
    const input = join(folder, 'chopping.mp4');
    ffmpeg('-i', real, '-an', '-c:v', 'copy', input);
    const outcome = await run(input, 'chopping-out.mp4', { sound: undefined });
    // Heard in the recording.
    const cuts = [0.66, 1.12, 1.6, 2.09, 2.54, 3.01, 3.5, 3.96, 4.42, 4.98, 5.5, 6.0, 6.52, 7.04, 7.56];
    const found = cuts.filter((cutS) => outcome.sheet.hits.some(({ timeS }) => Math.abs(timeS - cutS) < 0.06));
    expect(found.length).toBeGreaterThanOrEqual(0.9 * cuts.length);
  }, 60_000);
});
