import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { probe } from '@soundstage/media';
import { openModel, type OpenModel } from '@soundstage/models';
import {
  createFaceModel,
  createMeshModel,
  followFaces,
  KEPT_POINTS,
  type FaceTrack,
  type FollowedFaces,
  type FollowFacesOptions,
} from './index.js';
import { makeFaceClip, type DrawnFace, type FaceClip } from './testing/index.js';

jest.setTimeout(120_000);

const MODELS = fileURLToPath(new URL('../../../models', import.meta.url));
const [WIDTH, HEIGHT, RATE] = [480, 270, 25];
const LIPS = 40;
const folder = mkdtempSync(join(tmpdir(), 'soundstage-follow-test-'));
const models: OpenModel[] = [];
beforeAll(async () => {
  for (const name of ['face', 'lips']) {
    models.push(await openModel({ folder: MODELS, name, threads: 2, executionProvider: 'cpu' }));
  }
});
afterAll(async () => {
  for (const model of models) await model.close();
  rmSync(folder, { recursive: true, force: true });
});

async function follow(path: string, options: Partial<FollowFacesOptions> = {}): Promise<FollowedFaces> {
  const [face, lips] = models as [OpenModel, OpenModel];
  const info = await probe(path);
  return followFaces(path, { info, face: createFaceModel(face), mesh: createMeshModel(lips), ...options });
}

/** Follows drawn faces. */
async function followDrawn(
  frames: number,
  faces: FaceClip['faces'],
  { wall, ...options }: Partial<FollowFacesOptions> & Pick<FaceClip, 'wall'> = {},
): Promise<FollowedFaces> {
  const path = join(folder, 'drawn.mp4');
  await makeFaceClip(path, { width: WIDTH, height: HEIGHT, frameRate: RATE, frames, faces, ...(wall ? { wall } : {}) });
  return follow(path, options);
}

/** Mean of the lips' points, in each frame. */
function mouths({ points, timesS }: FaceTrack): { x: number; y: number }[] {
  return Array.from(timesS, (_, n) => {
    const sum = { x: 0, y: 0 };
    for (let point = 0; point < LIPS; point++) {
      sum.x += points[3 * (n * KEPT_POINTS.length + point)]! / LIPS;
      sum.y += points[3 * (n * KEPT_POINTS.length + point) + 1]! / LIPS;
    }
    return sum;
  });
}

/** Where the mouth of a drawn face is. */
function drawnMouth({ x, y, height, rollRad = 0 }: DrawnFace) {
  const down = (38 / 136) * height;
  return { x: x - Math.sin(rollRad) * down, y: y + Math.cos(rollRad) * down };
}

const distance = (a: { x: number; y: number }, b: { x: number; y: number }) => Math.hypot(a.x - b.x, a.y - b.y);
const framesOf = (track: FaceTrack) => Array.from(track.timesS, (timeS) => Math.round(timeS * RATE));
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

describe('a face', () => {
  test('is followed in every frame while it moves, comes nearer and rolls', async () => {
    const face = (n: number): DrawnFace => ({
      ...{ x: 130 + 2.5 * n, y: 120 + 15 * Math.sin(n / 9), height: 110 + 0.6 * n },
      ...{ rollRad: 0.6 * Math.sin(n / 14), mouth: 0.4 },
    });
    const { tracks, shotsS } = await followDrawn(75, (n) => [face(n)]);
    expect(shotsS).toEqual([0]);
    expect(tracks).toHaveLength(1);
    const [track] = tracks as [FaceTrack];
    expect(framesOf(track)).toEqual(upTo(0, 75));
    expect(track.points).toHaveLength(75 * KEPT_POINTS.length * 3);
    expect(Math.min(...track.scores)).toBeGreaterThanOrEqual(0.5);
    const off = mouths(track).map((mouth, n) => distance(mouth, drawnMouth(face(n))) / face(n).height);
    expect(Math.max(...off)).toBeLessThan(0.1);
    upTo(0, 75).forEach((n) => {
      const [x0, y0, x1, y1] = track.boxes.subarray(4 * n, 4 * n + 4) as unknown as [number, number, number, number];
      expect(x0 < face(n).x && face(n).x < x1 && y0 < face(n).y && face(n).y < y1).toBe(true);
    });
  });

  test('that holds still holds still in its points', async () => {
    const { tracks } = await followDrawn(50, () => [{ x: 240, y: 120, height: 120 }]);
    const steps = mouths(tracks[0]!).map((mouth, n, all) => distance(mouth, all[Math.max(0, n - 1)]!));
    expect(Math.max(...steps)).toBeLessThan(0.5);
  });

  test('has a track of its own beside others; of four the three largest are followed, and none that is tiny', async () => {
    const faces: DrawnFace[] = [
      { x: 75, y: 120, height: 110 },
      { x: 200, y: 120, height: 125 },
      { x: 325, y: 120, height: 115 },
      { x: 430, y: 110, height: 80 },
    ];
    const two = await followDrawn(25, () => faces.slice(0, 2));
    expect(two.tracks.map(framesOf)).toEqual([upTo(0, 25), upTo(0, 25)]);
    const four = await followDrawn(13, () => faces);
    const middles = four.tracks.map(({ boxes }) => (boxes[0]! + boxes[2]!) / 2).sort((a, b) => a - b);
    expect(middles.map((x) => faces.findIndex((face) => Math.abs(face.x - x) < 30))).toEqual([0, 1, 2]);
    const tiny = await followDrawn(13, () => [{ x: 240, y: 120, height: 45 }]);
    expect(tiny.tracks).toEqual([]);
  });

  test('is followed from the frame it comes in to the frame it goes, between looks too', async () => {
    const { tracks } = await followDrawn(50, (n) => (n >= 10 && n < 33 ? [{ x: 200, y: 120, height: 120 }] : []));
    expect(tracks.map(framesOf)).toEqual([upTo(10, 33)]);
  });

  test('that is seen on both sides of a cut has two tracks', async () => {
    const wall = (n: number) => (n < 20 ? ([100, 110, 120] as const) : ([30, 70, 40] as const));
    const { tracks, shotsS } = await followDrawn(40, () => [{ x: 200, y: 120, height: 120 }], { wall });
    expect(shotsS.map((timeS) => Math.round(timeS * RATE))).toEqual([0, 20]);
    expect(tracks.map(({ shot }) => shot)).toEqual([0, 1]);
    expect(tracks.map(framesOf)).toEqual([upTo(0, 20), upTo(20, 40)]);
  });
});

describe('frames', () => {
  test('have their own times where the rate varies', async () => {
    await followDrawn(40, () => [{ x: 200, y: 120, height: 120 }]);
    const path = join(folder, 'variable.mkv');
    // Every third frame of the second half.
    const select = `select='lt(n,20)+not(mod(n,3))'`;
    const coding = ['-fps_mode', 'vfr', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '16'];
    execFileSync('ffmpeg', [
      '-nostdin',
      '-v',
      'error',
      '-y',
      '-i',
      join(folder, 'drawn.mp4'),
      '-vf',
      select,
      ...coding,
      '-an',
      path,
    ]);
    const { tracks } = await follow(path);
    expect(tracks.map(framesOf)).toEqual([upTo(0, 40).filter((n) => n < 20 || n % 3 === 0)]);
  });

  test('are looked at only within the spans, each of which begins a shot', async () => {
    const spans = [
      { startS: 1.2, endS: 1.6 },
      { startS: 0.4, endS: 0.7 },
      { startS: 0.6, endS: 0.8 },
      { startS: 30, endS: 40 },
    ];
    const shares: number[] = [];
    const onProgress = (share: number) => shares.push(share);
    const { tracks, shotsS } = await followDrawn(50, () => [{ x: 200, y: 120, height: 120 }], { spans, onProgress });
    expect(tracks.map(framesOf)).toEqual([upTo(10, 20), upTo(30, 40)]);
    expect(shotsS).toEqual([0, 1.2]);
    expect(tracks.map(({ shot }) => shot)).toEqual([0, 1]);
    expect([...shares].sort((a, b) => a - b)).toEqual(shares);
    expect(shares.at(-1)).toBeGreaterThan(0.9);
  });

  test('of a file without a picture are refused; work ends when it is cancelled', async () => {
    const path = join(folder, 'sound.wav');
    execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'sine=d=1', path]);
    await expect(follow(path)).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    const signal = AbortSignal.abort();
    await expect(follow(join(folder, 'drawn.mp4'), { signal })).rejects.toMatchObject({ reason: 'CANCELLED' });
  });
});

test('real speakers are followed in nearly all frames', async () => {
  const root = process.env['SOUNDSTAGE_DATA'] ? join(process.env['SOUNDSTAGE_DATA'], 'sync') : undefined;
  const clips =
    root !== undefined && existsSync(root)
      ? readdirSync(root, { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.mkv'))
          .sort()
      : [];
  if (root === undefined || clips.length === 0) {
    console.log('0 real speakers followed: set SOUNDSTAGE_DATA to the folder that holds sync/.');
    return;
  }
  const tested = clips.filter((_, index) => index % 40 === 0);
  for (const name of tested) {
    const info = await probe(join(root, name));
    const { tracks, shotsS } = await follow(join(root, name), { info });
    const share = (tracks[0]?.timesS.length ?? 0) / (info.video!.durationS * info.video!.frameRate);
    expect({ name, tracks: tracks.length, shotsS, enough: share >= 0.98 }).toEqual({
      name,
      tracks: 1,
      shotsS: [0],
      enough: true,
    });
  }
  console.log(`${tested.length} of ${clips.length} real speakers followed.`);
});
