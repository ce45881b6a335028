import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { probe } from '@soundstage/media';
import type { FaceModel } from './face-model.js';
import { frameSegments } from './frame-segments.js';

jest.setTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), 'soundstage-shots-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const nobody: FaceModel = { threshold: 0.6, detect: (frames) => Promise.resolve(frames.map(() => [])) };

/** Makes a clip by ffmpeg's own sources and tells when its shots begin. */
async function shotsOf(sources: readonly string[], graph: string): Promise<number[]> {
  const path = join(folder, 'clip.mp4');
  const inputs = sources.flatMap((source) => ['-f', 'lavfi', '-i', source]);
  const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18', '-pix_fmt', 'yuv420p'];
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...inputs, '-filter_complex', graph, ...coding, path]);
  const info = await probe(path);
  const video = info.video!;
  const segments = frameSegments({
    ...{ path, info: { ...info, video }, face: nobody, limits: {}, signal: undefined },
    picture: { width: video.width, height: video.height },
  });
  const shotsS: number[] = [];
  for await (const { frames, startsShot } of segments) if (startsShot) shotsS.push(Number(frames[0]!.timeS.toFixed(3)));
  return shotsS;
}

const SIZE = 's=320x180:r=25';
/** A picture with much in it, larger than the screen. */
const WIDE =
  'mandelbrot=s=1280x720:r=25:start_scale=0.6:end_scale=0.6:maxiter=300,trim=end_frame=1,loop=-1:1,setpts=N/25/TB';

describe('shots', () => {
  test('begin at hard cuts, also where two follow each other at once', async () => {
    const sources = [
      `testsrc2=${SIZE}:d=1.2`,
      `smptebars=${SIZE}:d=0.12`,
      `mandelbrot=${SIZE},trim=duration=1`,
      `testsrc=${SIZE}:d=0.8`,
    ];
    expect(await shotsOf(sources, 'concat=n=4')).toEqual([0, 1.2, 1.32, 2.32]);
  });

  test('begin at cuts within one picture, from a wide view to a close one', async () => {
    const graph =
      '[0:v]trim=duration=2,split[a][b];[a]trim=duration=1,scale=320:180,setsar=1[wide];' +
      '[b]trim=start=1,setpts=PTS-STARTPTS,crop=420:236:600:300,scale=320:180,setsar=1[close];[wide][close]concat=n=2';
    expect(await shotsOf([WIDE], graph)).toEqual([0, 1]);
  });

  test('don’t begin where the camera pans fast, shakes or zooms', async () => {
    const pan = `[0:v]trim=duration=2,crop=640:360:'12*n':'100+30*sin(n)',scale=320:180`;
    expect(await shotsOf([WIDE], pan)).toEqual([0]);
    const zoom = `[0:v]trim=duration=2,scale=w='640+16*n':h='360+9*n':eval=frame,crop=320:180`;
    expect(await shotsOf([WIDE], zoom)).toEqual([0]);
  });

  test('don’t begin at flashes of one or three frames, nor where light comes on or a picture fades in', async () => {
    const flash = (from: number, to: number) => `drawbox=c=white:t=fill:enable='between(n,${from},${to})'`;
    expect(await shotsOf([`testsrc2=${SIZE}:d=2`], `${flash(12, 12)},${flash(30, 32)}`)).toEqual([0]);
    expect(await shotsOf([`testsrc2=${SIZE}:d=2`], 'fade=in:st=0.4:d=0.6')).toEqual([0]);
  });

  test('don’t begin in noise in the dark', async () => {
    expect(await shotsOf([`color=c=0x101010:${SIZE}:d=2`], 'noise=alls=30:allf=t')).toEqual([0]);
  });
});
