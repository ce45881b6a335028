import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  CreatePreprocessingRequest,
  Feature,
  PreprocessingSpec,
  PreprocessorServiceService,
  type ObjectRef,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { startTestServices, temporaryFolder, until, type TestServices } from '@soundstage/core/testing';
import { makeFaceClip, type DrawnFace } from '@soundstage/faces/testing';
import { probe } from '@soundstage/media';
import { createPreprocessor } from './index.js';
import { frameNumbers, makeClip, makeCountingClip, pulseEdges } from './testing/counting-clip.js';

// Each test makes a clip and runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(180_000);

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let counting: ObjectRef;
const path = (name: string) => join(home.path, name);

beforeAll(async () => {
  home = await temporaryFolder();
  services = await startTestServices(createLocalAdapters, [createPreprocessor], home.path);
  // 13 s at 20 frames/s; the sound is a pulse from 6 s on.
  await makeCountingClip(path('counting.mov'), { seconds: 13, frameRate: 20, pulseS: 6 });
  counting = await upload('counting.mov');
});

afterAll(async () => {
  await services.drain();
  await home.remove();
});

const upload = async (name: string) => services.client.upload(await readFile(path(name)), 'video/quicktime');

const create = async (clip: ObjectRef, profile: string, spec: Partial<PreprocessingSpec> = {}) => {
  const request = CreatePreprocessingRequest.fromPartial({
    spec: PreprocessingSpec.fromPartial({ ...spec, profile, clip }),
  });
  return (await services.client.call(PreprocessorServiceService.createPreprocessing, request)).job!;
};

const preprocess = async (clip: ObjectRef, profile: string, spec: Partial<PreprocessingSpec> = {}) =>
  services.client.resultOf((await create(clip, profile, spec)).id, 'preprocessing');

const save = async (ref: ObjectRef | undefined, name: string) => {
  await writeFile(path(name), await services.client.download(ref!.key));
  return path(name);
};

describe('the profile regnet', () => {
  test('cuts ten seconds of 21.5 frames/s at 340×256, and 220,500 samples', async () => {
    const result = await preprocess(counting, 'regnet', { startS: 2.5 });
    expect(result).toMatchObject({ frameCount: 215, sampleCount: 220_500n, frameRate: 21.5, sampleRateHz: 22_050 });
    expect(result.rejected).toBeUndefined();
    const video = await save(result.video, 'regnet.mp4');
    expect((await probe(video)).video).toMatchObject({ frameCount: 215, frameRate: 21.5, width: 340, height: 256 });
    // Frame n shows what stands at 2.5 s + n / 21.5.
    const expected = Array.from({ length: 215 }, (_, n) => Math.floor((2.5 + n / 21.5 + 0.002) * 20));
    expect(await frameNumbers(video)).toEqual(expected);
    const pulse = await pulseEdges(await save(result.audio, 'regnet.wav'), 22_050);
    expect(pulse.samples).toBe(220_500);
    expect(Math.abs(pulse.first! - 3.5 * 22_050)).toBeLessThanOrEqual(2);
    expect(Math.abs(pulse.last! - 4 * 22_050)).toBeLessThanOrEqual(2);
  });

  test('has a shorter picture at the end of a video, and sound padded to the same length', async () => {
    const result = await preprocess(counting, 'regnet', { startS: 5.5 });
    expect(result).toMatchObject({ frameCount: Math.round(7.5 * 21.5), sampleCount: 220_500n });
    const numbers = await frameNumbers(await save(result.video, 'end.mp4'));
    expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([161, 110, 258]);
    const pulse = await pulseEdges(await save(result.audio, 'end.wav'), 22_050);
    expect(pulse.samples).toBe(220_500);
    expect(Math.abs(pulse.first! - 0.5 * 22_050)).toBeLessThanOrEqual(2);
  });

  test('gives its measures beside their limits', async () => {
    const { measures } = await preprocess(counting, 'regnet');
    expect(measures.map(({ reason }) => reason)).toEqual([
      'start_differs',
      'length_differs',
      'too_short',
      'still_picture',
      'silent_sound',
    ]);
    // The pulse is 0.5 of full scale.
    expect(measures.at(-1)).toMatchObject({ limit: -50, measured: expect.closeTo(20 * Math.log10(0.5), 1) });
  });
});

describe('the profile pixels', () => {
  test('gives frames at 8 per second as JPEG, and sound at 11,025 Hz', async () => {
    const result = await preprocess(counting, 'pixels', { startS: 1, durationS: 10 });
    expect(result).toMatchObject({ frameCount: 80, sampleCount: 110_250n, frameRate: 8, sampleRateHz: 11_025 });
    expect(result.video).toBeUndefined();
    const folder = path('pixels');
    await mkdir(folder);
    execFileSync('tar', ['-xf', await save(result.frames, 'pixels.tar'), '-C', folder]);
    const names = (await readdir(folder)).sort();
    expect([names.length, names[0], names.at(-1)]).toEqual([80, '000001.jpg', '000080.jpg']);
    await makeClip('-i', join(folder, '%06d.jpg'), '-pix_fmt', 'yuv420p', '-crf', '10', path('again.mp4'));
    const expected = Array.from({ length: 80 }, (_, n) => Math.floor((1 + n / 8 + 0.002) * 20));
    expect(await frameNumbers(path('again.mp4'))).toEqual(expected);
  });
});

describe('the profile describe', () => {
  test('gives views at 15 and at 1 frame/s, of equal time, and sound at 16 kHz', async () => {
    const result = await preprocess(counting, 'describe');
    expect(result).toMatchObject({ frameCount: 195, frameRate: 15, sampleCount: 208_000n, sampleRateHz: 16_000 });
    expect(result.views).toMatchObject([{ frameRate: 1, frameCount: 13 }]);
    const slow = await frameNumbers(await save(result.views[0]!.video, 'slow.mp4'));
    expect(slow).toEqual(Array.from({ length: 13 }, (_, n) => 20 * n));
    const fast = await frameNumbers(await save(result.video, 'fast.mp4'));
    expect(fast.filter((_, n) => n % 15 === 0)).toEqual(slow);
  });

  test('takes a silent film and slides', async () => {
    await makeClip('-f', 'lavfi', '-i', 'color=red:s=64x48:r=10:d=3', path('slides.mkv'));
    const result = await preprocess(await upload('slides.mkv'), 'describe');
    expect(result.rejected).toBeUndefined();
    expect(result).toMatchObject({ frameCount: 45, sampleCount: 0n });
    expect(result.audio).toBeUndefined();
  });
});

describe('the profile desync', () => {
  test('takes a second off each end and moves the sound by the offset that it tells', async () => {
    const offsets: number[] = [];
    // Until both directions were seen.
    for (let seed = 1n; seed <= 12n && new Set(offsets.map(Math.sign)).size < 2; seed++) {
      const result = await preprocess(counting, 'desync', { seed });
      const offsetS = result.soundOffsetS!;
      offsets.push(offsetS);
      expect(result).toMatchObject({ frameCount: 220, frameRate: 20, sampleCount: 528_000n, sampleRateHz: 48_000 });
      // The picture stays where it is.
      const numbers = await frameNumbers(await save(result.video, 'desync.mp4'));
      expect(numbers).toEqual(Array.from({ length: 220 }, (_, n) => 20 + n));
      // Sound that comes late is heard later.
      const pulse = await pulseEdges(await save(result.audio, 'desync.wav'), 48_000);
      expect(pulse.samples).toBe(528_000);
      expect(Math.abs(pulse.first! - (6 - 1 + offsetS) * 48_000)).toBeLessThan(1.01);
      expect(Math.abs(pulse.last! + 1 - (6.5 - 1 + offsetS) * 48_000)).toBeLessThan(1.01);
    }
    expect(new Set(offsets.map(Math.sign)).size).toBe(2);
    expect((await preprocess(counting, 'desync', { seed: 1n })).soundOffsetS).toBe(offsets[0]);
  });
});

describe('the profile sync', () => {
  const faceClip = async (name: string, faces: (n: number) => DrawnFace[], frameRate = 25) => {
    await makeFaceClip(path(name), { width: 480, height: 270, frameRate, frames: 3 * frameRate, faces });
    return upload(name);
  };
  const talking = (n: number) => 0.5 + 0.5 * Math.sin(n);

  test('follows the face, at 25 frames/s whatever the clip has, with sound at 16 kHz', async () => {
    // The face moves from left to right while it talks.
    const x = (timeS: number) => 140 + 60 * timeS;
    const clip = await faceClip('face.mov', (n) => [{ x: x(n / 30), y: 120, height: 90, mouth: talking(n) }], 30);
    const result = await preprocess(clip, 'sync');
    expect(result.rejected).toBeUndefined();
    expect(result).toMatchObject({ frameCount: 75, frameRate: 25, sampleCount: 48_000n, sampleRateHz: 16_000 });
    const video = await save(result.video, 'sync.mp4');
    expect((await probe(video)).video).toMatchObject({ frameCount: 75, frameRate: 25, width: 224, height: 224 });
    const track = JSON.parse(String(await services.client.download(result.faceTrack!.key))) as {
      width: number;
      squares: { x: number; y: number; side: number; score: number }[];
    };
    expect([track.width, track.squares.length]).toEqual([480, 75]);
    track.squares.forEach(({ x: left, side, score }, n) => {
      expect(score).toBeGreaterThan(0.6);
      expect(Math.abs(left + side / 2 - x(n / 25))).toBeLessThan(8);
      expect(side).toBeGreaterThan(90);
      expect(side).toBeLessThan(180);
    });
  });

  test.each([
    ['no_face', () => []],
    ['no_face', (n: number) => (n > 30 && n < 60 ? [] : [{ x: 240, y: 120, height: 90, mouth: talking(n) }])],
    ['face_jumps', (n: number) => [{ x: n < 40 ? 120 : 360, y: 120, height: 90, mouth: talking(n) }]],
    ['several_faces', (n: number) => [120, 360].map((x) => ({ x, y: 120, height: 90, mouth: talking(n) }))],
  ] as [string, (n: number) => DrawnFace[]][])('rejects a clip with %s', async (reason, faces) => {
    const clip = await faceClip('flawed.mov', faces);
    const result = await preprocess(clip, 'sync');
    expect(result.rejected).toMatchObject({ reason });
    expect(result.rejected!.measured).toBeGreaterThan(result.rejected!.limit!);
    expect(result.video).toBeUndefined();
  });
});

const grid = join(process.env.SOUNDSTAGE_DATA ?? '', 'sync', 'grid_s1');
const talking = process.env.SOUNDSTAGE_DATA && existsSync(grid) ? join(grid, 'bbaf2n.mkv') : undefined;
if (!talking) console.log('0 talking faces held to their sound: set SOUNDSTAGE_DATA to the folder that holds sync/.');

(talking ? test : test.skip)('a face whose lips move before its sound is a flaw, and is none in sync', async () => {
  const clip = async (name: string, lateS: number) => {
    const input = ['-nostdin', '-v', 'error', '-i', talking!, '-itsoffset', String(lateS), '-i', talking!];
    const sound = ['-c:v', 'copy', '-c:a', 'pcm_s16le', '-af', 'aresample=async=1:first_pts=0'];
    execFileSync('ffmpeg', [...input, '-map', '0:v', '-map', '1:a', ...sound, '-t', '3', path(name)]);
    return upload(name);
  };
  const late = await preprocess(await clip('late.mov', 0.4), 'sync');
  expect(late.rejected).toMatchObject({ reason: 'offset', limit: 125 });
  expect(Math.abs(late.rejected!.measured! - 400)).toBeLessThan(80);
  expect(late.rejected!.detail).toMatch(/comes 4\d\d ms late|comes 3\d\d ms late/);
  const fine = await preprocess(await clip('fine.mov', 0), 'sync');
  expect(fine.rejected).toBeUndefined();
  expect(fine.measures.find(({ reason }) => reason === 'offset')!.measured).toBeLessThan(80);
});

describe('a flawed clip', () => {
  const moving = ['-f', 'lavfi', '-i', 'testsrc2=s=128x96:r=20:d=4'];
  const tone = (seconds: number) => ['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${seconds}`];
  const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'pcm_s16le'];
  const still = ['-f', 'lavfi', '-i', 'testsrc2=s=128x96:r=20:d=1,trim=end_frame=1,loop=79:1:0,noise=alls=4:allf=t'];

  test.each([
    ['still_picture', [...still, ...tone(4), ...coded], { limit: 0.05 }],
    [
      'silent_sound',
      [...moving, '-f', 'lavfi', '-i', 'anullsrc=r=48000:d=4', ...coded],
      { measured: -120, limit: -50 },
    ],
    ['silent_sound', [...moving, ...tone(4), '-af', 'volume=-45dB', ...coded], { limit: -50 }],
    ['no_sound', [...moving, ...coded], {}],
    ['no_picture', [...tone(4), ...coded], {}],
    ['length_differs', [...moving, ...tone(2.5), ...coded], { limit: 0.5 }],
    ['start_differs', [...moving, '-itsoffset', '0.4', ...tone(3.6), ...coded], { limit: 0.2 }],
    ['too_short', [...moving, ...tone(4), '-t', '1.5', ...coded], { limit: 2 }],
  ] as [string, string[], object][])('ends as a result: %s', async (reason, args, figures) => {
    await makeClip(...args, path('flawed.mov'));
    const result = await preprocess(await upload('flawed.mov'), 'regnet', { thenExtract: [Feature.MOTION] });
    expect(result.rejected).toMatchObject({ reason, ...figures });
    expect(result.rejected!.detail).toMatch(/^[A-Z].*\.$/);
    expect([result.video, result.audio, result.frameCount, result.nextJobId]).toEqual([undefined, undefined, 0, '']);
  });

  test('ends as undecodable where it is no media, cut off, or damaged', async () => {
    const whole = await readFile(path('counting.mov'));
    const damaged = Buffer.from(whole);
    // Noise over all but the headers.
    for (let at = 4096; at < damaged.length; at++) damaged[at] = (at * 2_654_435_761) & 0xff;
    for (const bytes of [Buffer.from('not a video at all'), whole.subarray(0, whole.length / 3), damaged]) {
      const result = await preprocess(await services.client.upload(bytes, 'video/mp4'), 'regnet');
      expect(result.rejected).toMatchObject({ reason: 'undecodable' });
      expect(result.rejected!.measured).toBeUndefined();
    }
  });

  test('ends as too short where the cut begins behind its end', async () => {
    const result = await preprocess(counting, 'desync', { startS: 60 });
    expect(result.rejected).toMatchObject({ reason: 'too_short', limit: 1 });
    expect(result.rejected!.measured).toBeLessThan(0);
  });

  test('is rejected once, and the next time at once', async () => {
    const garbage = await services.client.upload(Buffer.from('nothing to see'), 'video/mp4');
    const first = await preprocess(garbage, 'pixels');
    const cached = async () => {
      const { values } = await services.platform.metrics.workTotal.get();
      return values.find(({ labels }) => labels.outcome === 'cached')?.value ?? 0;
    };
    const before = await cached();
    expect(await preprocess(garbage, 'pixels')).toEqual(first);
    // Counted after the job has its result.
    await until(async () => (await cached()) === before + 1);
  });
});

describe('a request for a profile', () => {
  test.each([
    ['an unknown profile', 'regnett', {}, /must be one of regnet, pixels, sync, desync, describe/],
    ['parameters that are the profile’s', 'regnet', { frameRate: 25 }, /leave it out where a profile is given/],
    ['a longer cut than the profile knows', 'regnet', { durationS: 11 }, /regnet cuts at most 10 s/],
    ['features of frames', 'pixels', { thenExtract: [Feature.RGB] }, /pixels gives frames/],
  ] as [string, string, Partial<PreprocessingSpec>, RegExp][])(
    'is refused with %s',
    async (_, profile, spec, message) => {
      await expect(create(counting, profile, spec)).rejects.toMatchObject({
        reason: 'BAD_INPUT',
        message: expect.stringMatching(message),
      });
    },
  );
});
