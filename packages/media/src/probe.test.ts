import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { renameSync, copyFileSync } from 'node:fs';
import { probe } from './index.js';
import { allFrames, countingPicture, errorOf, H264, H264_B, makeMedia, sine, testFolder } from './test-media.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(120_000);
const folder = testFolder();
const { path } = folder;
beforeAll(() => {
  makeMedia(...countingPicture(50), ...sine(2), ...H264_B, '-c:a', 'aac', path('plain.mp4'));
});
afterAll(folder.remove);

describe('probe', () => {
  test('tells codec, size, rate, length and sound of an MP4', async () => {
    const info = await probe(path('plain.mp4'));
    expect(info).toMatchObject({ container: 'mp4', startS: 0, still: false, streams: 2, name: '“plain.mp4”' });
    expect(info.durationS).toBeCloseTo(2, 1);
    expect(info.video).toMatchObject({
      codec: 'h264',
      width: 64,
      height: 48,
      frameRate: 25,
      frameCount: 50,
      startS: 0,
    });
    expect(info.video).toMatchObject({ variableFrameRate: false, rotationDegrees: 0, pixelFormat: 'yuv420p' });
    expect(info.video?.durationS).toBeCloseTo(2, 6);
    expect(info.audio).toMatchObject({ codec: 'aac', sampleRateHz: 48000, channels: 1 });
  });

  test.each([
    ['x.mkv', 'matroska', ['-c', 'copy']],
    ['x.mov', 'mov', ['-c', 'copy']],
    ['x.ts', 'mpegts', ['-c', 'copy']],
    ['x.flv', 'flv', ['-c', 'copy']],
    ['x.avi', 'avi', ['-c:v', 'mpeg4', '-c:a', 'mp3']],
    ['x.mpg', 'mpeg', ['-c:v', 'mpeg2video', '-c:a', 'mp2']],
    ['x.wmv', 'asf', ['-c:v', 'wmv2', '-c:a', 'wmav2']],
    ['x.webm', 'webm', ['-c:v', 'libvpx', '-c:a', 'libopus']],
    ['x.ogv', 'ogg', ['-c:v', 'libtheora', '-c:a', 'libvorbis']],
  ])('reads %s as %s', async (name, container, coding) => {
    makeMedia('-i', path('plain.mp4'), ...coding, path(name));
    const info = await probe(path(name));
    expect(info.container).toBe(container);
    expect(info.video?.durationS).toBeGreaterThan(1.8);
    expect(info.video?.durationS).toBeLessThan(2.2);
    expect(info.video?.frameRate).toBeCloseTo(25, 0);
    expect(info.audio).toBeDefined();
  });

  test.each([
    ['x.wav', 'wav'],
    ['x.flac', 'flac'],
    ['x.mp3', 'mp3'],
    ['x.aac', 'aac'],
  ])('reads the sound file %s', async (name, container) => {
    makeMedia('-i', path('plain.mp4'), '-vn', path(name));
    const info = await probe(path(name));
    expect(info).toMatchObject({ container, still: false });
    expect(info.video).toBeUndefined();
    expect(info.durationS).toBeCloseTo(2, 0);
  });

  test.each(['png', 'jpg', 'webp', 'bmp'])('takes a still image in %s for one picture without length', async (kind) => {
    makeMedia('-i', path('plain.mp4'), '-frames:v', '1', path(`still.${kind}`));
    const info = await probe(path(`still.${kind}`));
    expect(info).toMatchObject({ still: true, durationS: 0, video: { width: 64, height: 48, frameCount: 1 } });
    expect(await allFrames(path(`still.${kind}`))).toMatchObject([{ timeS: 0, index: 0 }]);
  });

  test.each([90, 180, 270])('applies a rotation of %d degrees to the size', async (degrees) => {
    makeMedia('-i', path('plain.mp4'), '-c', 'copy', '-metadata:s:v', `rotate=${degrees}`, path('turned.mp4'));
    const { video } = await probe(path('turned.mp4'));
    const shown = degrees === 180 ? { width: 64, height: 48 } : { width: 48, height: 64 };
    expect(video).toMatchObject({ ...shown, codedWidth: 64, codedHeight: 48 });
    expect([0, 180].includes(video?.rotationDegrees ?? 0)).toBe(degrees === 180);
  });

  test('tells a variable frame rate', async () => {
    makeMedia(
      ...countingPicture(60),
      '-vf',
      "select='not(between(n,20,27))'",
      '-fps_mode',
      'vfr',
      ...H264,
      path('vfr.mp4'),
    );
    expect((await probe(path('vfr.mp4'))).video).toMatchObject({ variableFrameRate: true, frameCount: 52 });
  });

  test('does not take Matroska’s rounded times for a variable rate', async () => {
    makeMedia(...countingPicture(60, { rate: 30 }), ...H264, path('thirty.mkv'));
    expect((await probe(path('thirty.mkv'))).video?.variableFrameRate).toBe(false);
  });

  test('keeps odd sizes and stretches oblong pixels', async () => {
    makeMedia(...countingPicture(5, { size: '67x45' }), '-c:v', 'libx264', '-pix_fmt', 'yuv444p', path('odd.mp4'));
    expect((await probe(path('odd.mp4'))).video).toMatchObject({ width: 67, height: 45 });
    makeMedia(...countingPicture(5), '-vf', 'setsar=2', ...H264, path('wide.mp4'));
    expect((await probe(path('wide.mp4'))).video).toMatchObject({ width: 128, height: 48, codedWidth: 64 });
  });

  test('does not take a cover for the picture', async () => {
    makeMedia('-i', path('plain.mp4'), '-frames:v', '1', path('cover.jpg'));
    makeMedia(
      ...sine(2),
      '-i',
      path('cover.jpg'),
      '-map',
      '0',
      '-map',
      '1',
      '-disposition:v',
      'attached_pic',
      path('song.mp3'),
    );
    const song = await probe(path('song.mp3'));
    expect(song.video).toBeUndefined();
    expect(song.attachedPictures).toHaveLength(1);
  });

  test('finds the length of a stream that does not tell it', async () => {
    makeMedia('-i', path('plain.mp4'), '-c', 'copy', '-f', 'matroska', '-live', '1', path('live.mkv'));
    const info = await probe(path('live.mkv'));
    expect(info.durationS).toBeCloseTo(2, 1);
    expect(info.video?.frameCount).toBe(50);
  });

  test('opens by content, whatever the name says', async () => {
    const names = [
      '-leading dash.mp4', '%d-%03d pattern.mp4', 'with:colon.mp4', "quote ' \" quote.mp4", 'two\nlines.mp4', 'тест 한국어 😀.mp4',
      'no-extension', 'picture.png', 'playlist.m3u8', 'concat|a|b.mp4', '*?[a].jpg', 'pipe:0', 'http:', ' ',
    ]; // prettier-ignore
    for (const name of names) {
      copyFileSync(path('plain.mp4'), path(name));
      const info = await probe(path(name));
      expect({ name, frames: info.video?.frameCount }).toEqual({ name, frames: 50 });
      renameSync(path(name), path('used'));
    }
  });

  test('names each limit that is broken', async () => {
    const file = path('plain.mp4');
    const message = async (limits: object) => (await errorOf(probe(file, { limits }))).message;
    expect(await message({ bytes: 1000 })).toMatch(/“plain\.mp4” has \d+ bytes; the limit is 1000/);
    expect(await message({ seconds: 1 })).toMatch(/is 2 s long; the limit is 1 s/);
    expect(await message({ pixels: 1000 })).toMatch(/limit/);
    expect(await message({ minSidePixels: 50 })).toMatch(/64×48 pixels; the least is 50×50/);
    expect(await message({ streams: 1 })).toMatch(/more than 1 streams|has 2 streams; the limit is 1/);
    expect(await message({ frameRate: 20 })).toMatch(/25 pictures a second; the limit is 20/);
    expect(await message({ probeSeconds: 0.001 })).toMatch(/longer than the limit of 0.001 s/);
  });

  test('stops when it is cancelled', async () => {
    const error = await errorOf(probe(path('plain.mp4'), { signal: AbortSignal.abort() }));
    expect(error.reason).toBe('CANCELLED');
  });
});
