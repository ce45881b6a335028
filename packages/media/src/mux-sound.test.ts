import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeAudio, defaultOutputExtension, hashVideoPackets, muxSound, probe, runningProcesses } from './index.js';
import {
  clicks,
  countingPicture,
  errorOf,
  ffmpegChildren,
  H264,
  H264_B,
  makeMedia,
  sine,
  testFolder,
} from './test-media.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(120_000);
const folder = testFolder();
const { path } = folder;
const TIMES_S = [0.25, 0.5, 1.2345, 2, 3.9];
const pcm = (durationS: number) => ({ blocks: clicks(TIMES_S, durationS), sampleRateHz: 48_000, channels: 2 as const });
const leftovers = () => folder.list().filter((name) => name.startsWith('.soundstage-'));

beforeAll(() => {
  makeMedia(...countingPicture(100), ...sine(4), ...H264_B, '-c:a', 'aac', path('plain.mp4'));
  makeMedia('-i', path('plain.mp4'), '-an', '-c', 'copy', path('silent.mp4'));
  makeMedia(
    '-i',
    path('silent.mp4'),
    '-c:v',
    'libvpx-vp9',
    '-deadline',
    'realtime',
    '-cpu-used',
    '8',
    path('silent.webm'),
  );
});
afterAll(folder.remove);

async function soundOf(name: string): Promise<number[]> {
  const samples: number[] = [];
  for await (const block of decodeAudio(path(name), { sampleRateHz: 48_000, channels: 1 })) samples.push(...block);
  return samples;
}

/** How far, in ms, the loudest sample near each time is from it. */
function clickErrorsMs(samples: readonly number[]): number[] {
  return TIMES_S.map((timeS) => {
    const due = Math.round(timeS * 48_000);
    let best = due - 4000;
    for (let k = best; k < due + 4000; k++) if (Math.abs(samples[k] ?? 0) > Math.abs(samples[best] ?? 0)) best = k;
    if (Math.abs(samples[best] ?? 0) < 0.2) throw new Error(`no click near ${timeS} s`);
    return (best - due) / 48;
  });
}

describe('muxSound', () => {
  test.each([
    ['silent.mp4', 'out.mp4', 'aac'],
    ['silent.mp4', 'out.mov', 'aac'],
    ['silent.mp4', 'out.mkv', 'aac'],
    ['silent.webm', 'out.webm', 'opus'],
    ['silent.webm', 'vp9.mp4', 'aac'],
  ])('%s → %s: the picture is copied bit for bit and clicks are in time', async (input, output, soundCodec) => {
    const shares: number[] = [];
    const result = await muxSound({
      videoPath: path(input), sound: pcm(6), outputPath: path(output), onProgress: (share) => shares.push(share),
    }); // prettier-ignore
    expect(result).toMatchObject({ soundCodec, leftOut: [] });
    expect(result.durationS).toBeCloseTo(4, 2);
    expect(await hashVideoPackets(path(output))).toBe(await hashVideoPackets(path(input)));
    for (const errorMs of clickErrorsMs(await soundOf(output))) expect(Math.abs(errorMs)).toBeLessThan(1);
    const info = await probe(path(output));
    expect(info.video?.startS).toBeCloseTo(0, 3);
    expect(info.video?.frameCount).toBe(100);
    expect(info.audio).toMatchObject({ sampleRateHz: 48_000, channels: 2 });
    expect(shares.at(-1)).toBe(1);
    expect(leftovers()).toEqual([]);
  });

  test('makes the sound exactly as long as the picture, whether it is too short or too long', async () => {
    for (const durationS of [0.3, 9]) {
      const sound = { blocks: clicks([], durationS), sampleRateHz: 48_000, channels: 2 as const };
      await muxSound({ videoPath: path('silent.mp4'), sound, outputPath: path('length.mov') });
      const told = execFileSync('ffprobe', [
        '-v',
        'error',
        '-select_streams',
        'a',
        '-show_entries',
        'stream=duration_ts',
        '-of',
        'csv=p=0',
        path('length.mov'),
      ]);
      expect(Number(told)).toBe(4 * 48_000);
    }
  });

  test('takes a sound file, and other rates and channels', async () => {
    makeMedia('-f', 'lavfi', '-i', 'aevalsrc=if(eq(n\\,11025)\\,0.9\\,0):s=44100:d=2', path('click.wav'));
    await muxSound({ videoPath: path('silent.mp4'), sound: path('click.wav'), outputPath: path('wav.mp4') });
    const samples = await soundOf('wav.mp4');
    const loudest = samples.reduce(
      (best, value, k) => (Math.abs(value) > Math.abs(samples[best] as number) ? k : best),
      0,
    );
    expect(Math.abs(loudest - 12_000)).toBeLessThan(48);
  });

  test('gives the same bytes for the same input', async () => {
    for (const kind of ['mp4', 'mkv']) {
      for (const n of [1, 2])
        await muxSound({ videoPath: path('silent.mp4'), sound: pcm(4), outputPath: path(`same${n}.${kind}`) });
      expect(readFileSync(path(`same1.${kind}`)).equals(readFileSync(path(`same2.${kind}`)))).toBe(true);
    }
  });

  test('replaces the sound that was there, or keeps it under the new one', async () => {
    await muxSound({ videoPath: path('plain.mp4'), sound: pcm(4), outputPath: path('replaced.mp4') });
    expect((await probe(path('replaced.mp4'))).streams).toBe(2);
    const between = (samples: number[]) =>
      Math.max(
        ...samples
          .slice(70_000, 90_000)
          .map(Math.abs)
          .filter((_, k) => k > 0),
      );
    expect(between(await soundOf('replaced.mp4'))).toBeLessThan(0.02);
    await muxSound({
      videoPath: path('plain.mp4'),
      sound: pcm(4),
      outputPath: path('kept.mp4'),
      keepOriginal: { gainDb: -6 },
    });
    const kept = await soundOf('kept.mp4');
    // The sine is 1/8 high, 6 dB less is 1/16; a mono sound goes to either channel 3 dB lower, as loud in all.
    expect(between(kept)).toBeGreaterThan(0.036);
    expect(between(kept)).toBeLessThan(0.056);
    for (const errorMs of clickErrorsMs(kept)) expect(Math.abs(errorMs)).toBeLessThan(1);
    const error = await errorOf(
      muxSound({
        videoPath: path('silent.mp4'),
        sound: pcm(4),
        outputPath: path('no.mp4'),
        keepOriginal: { gainDb: 0 },
      }),
    );
    expect(error.message).toBe('“silent.mp4” has no sound to keep.');
  });

  test('keeps rotation, chapters, metadata and subtitles', async () => {
    writeFileSync(path('a.srt'), '1\n00:00:00,500 --> 00:00:01,500\nHello\n');
    writeFileSync(
      path('chapters.txt'),
      ';FFMETADATA1\ntitle=My film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=4000\ntitle=Two\n',
    );
    makeMedia(
      '-i',
      path('silent.mp4'),
      '-i',
      path('a.srt'),
      '-i',
      path('chapters.txt'),
      '-map',
      '0:v',
      '-map',
      '1',
      '-map_metadata',
      '2',
      '-c:v',
      'copy',
      '-c:s',
      'mov_text',
      '-metadata:s:v',
      'rotate=90',
      path('rich.mp4'),
    );
    const rotation = (await probe(path('rich.mp4'))).video?.rotationDegrees;
    for (const kind of ['mp4', 'mov']) {
      const result = await muxSound({
        videoPath: path('rich.mp4'),
        sound: pcm(4),
        outputPath: path(`rich-out.${kind}`),
      });
      expect(result.leftOut).toEqual([]);
      const info = await probe(path(`rich-out.${kind}`));
      expect(info.video?.rotationDegrees).toBe(rotation);
      expect(info.subtitles).toHaveLength(1);
      const told = JSON.parse(
        execFileSync(
          'ffprobe',
          ['-v', 'error', '-show_chapters', '-show_format', '-of', 'json', path(`rich-out.${kind}`)],
          { encoding: 'utf8' },
        ),
      ) as { chapters: unknown[]; format: { tags: Record<string, string> } };
      expect(told.chapters).toHaveLength(2);
      expect(told.format.tags['title']).toBe('My film');
    }
  });

  test('does not let a picture lie on its side: a container that loses the rotation is refused', async () => {
    makeMedia('-i', path('silent.mp4'), '-c', 'copy', '-metadata:s:v', 'rotate=90', path('turned.mp4'));
    const outcome = await muxSound({
      videoPath: path('turned.mp4'),
      sound: pcm(4),
      outputPath: path('turned.mkv'),
    }).then(
      async () => String((await probe(path('turned.mkv'))).video?.rotationDegrees),
      (error: Error) => error.message,
    );
    expect(outcome).toMatch(/^(90|270)$|name the output \.mp4 or \.mov/);
  });

  test('names the containers to choose from', async () => {
    const to = (name: string) =>
      errorOf(muxSound({ videoPath: path('silent.mp4'), sound: pcm(4), outputPath: path(name) }));
    expect((await to('x.webm')).message).toMatch(
      /\.webm can't carry the picture of “silent\.mp4” \(h264\).*\.mp4 or \.mov or \.mkv/,
    );
    expect((await to('x.avi')).message).toMatch(/“\.avi” isn't a kind of video that is written/);
    makeMedia(...countingPicture(5), '-c:v', 'mpeg4', path('old.avi'));
    expect(defaultOutputExtension(await probe(path('old.avi')))).toBe('.mp4');
    expect(defaultOutputExtension(await probe(path('silent.webm')))).toBe('.webm');
    expect(defaultOutputExtension(await probe(path('silent.mp4')))).toBe('.mp4');
  });

  test.each(['avi', 'ts', 'mpg', 'flv'])('puts sound under a .%s', async (kind) => {
    const coding = { avi: ['-c:v', 'mpeg4'], mpg: ['-c:v', 'mpeg2video'], ts: ['-c', 'copy'], flv: ['-c', 'copy'] }[
      kind
    ] as string[];
    makeMedia('-i', path('silent.mp4'), ...coding, path(`in.${kind}`));
    const info = await probe(path(`in.${kind}`));
    const output = path(`from-${kind}${defaultOutputExtension(info)}`);
    await muxSound({ videoPath: path(`in.${kind}`), sound: pcm(4), outputPath: output });
    expect((await probe(output)).video?.frameCount).toBeGreaterThanOrEqual(99);
  });

  test('refuses pictures of an .avi that doesn’t tell in which order they are shown', async () => {
    makeMedia(...countingPicture(2), ...H264_B, path('b-frames.avi'));
    const error = await errorOf(
      muxSound({ videoPath: path('b-frames.avi'), sound: pcm(2), outputPath: path('b-frames.mp4') }),
    );
    expect(error.message).toMatch(/doesn't tell when its pictures are shown \(h264 with B-frames in AVI\): convert/);
    makeMedia(...countingPicture(2), ...H264_B, '-bf', '0', path('no-b-frames.avi'));
    await muxSound({ videoPath: path('no-b-frames.avi'), sound: pcm(2), outputPath: path('no-b-frames.mp4') });
  });

  test('never writes over its input, also by another name', async () => {
    copyFileSync(path('silent.mp4'), path('mine.mp4'));
    execFileSync('ln', [path('mine.mp4'), path('hard.mp4')]);
    execFileSync('ln', ['-s', path('mine.mp4'), path('soft.mp4')]);
    for (const name of ['mine.mp4', 'hard.mp4', 'soft.mp4']) {
      const error = await errorOf(muxSound({ videoPath: path('mine.mp4'), sound: pcm(4), outputPath: path(name) }));
      expect(error.message).toMatch(/is the input itself/);
    }
    expect(statSync(path('mine.mp4')).size).toBe(statSync(path('silent.mp4')).size);
  });

  test('writes to names that mean something to ffmpeg or the shell', async () => {
    mkdirSync(path('a %d: dir'));
    for (const name of ['-y.mp4', "a %d: dir/ü “quotes” '$(id)'\n.mp4", '한국어.mov']) {
      await muxSound({ videoPath: path('silent.mp4'), sound: pcm(4), outputPath: path(name) });
      expect((await probe(path(name))).video?.frameCount).toBe(100);
    }
  });

  test('says what is wrong with the output’s folder', async () => {
    const to = (outputPath: string) => errorOf(muxSound({ videoPath: path('silent.mp4'), sound: pcm(4), outputPath }));
    expect((await to(path('missing/out.mp4'))).message).toMatch(/folder .* doesn't exist/);
    mkdirSync(path('taken.mp4'));
    expect((await to(path('taken.mp4'))).message).toMatch(/is a folder/);
    expect((await to(path(`${'x'.repeat(300)}.mp4`))).message).toMatch(/too long/);
    expect(leftovers()).toEqual([]);
  });

  test('leaves nothing behind when it is cancelled, when the sound fails and when ffmpeg is killed', async () => {
    async function* endless(onBlock: (n: number) => void) {
      for (let n = 0; ; n++) {
        onBlock(n);
        await sleep(5);
        yield new Float32Array(960);
      }
    }
    const run = (onBlock: (n: number) => void, signal?: AbortSignal) =>
      errorOf(
        muxSound({
          videoPath: path('silent.mp4'),
          sound: { blocks: endless(onBlock), sampleRateHz: 48_000, channels: 2 },
          outputPath: path('never.mp4'),
          signal,
        }),
      );
    const controller = new AbortController();
    expect((await run((n) => n === 20 && controller.abort(), controller.signal)).reason).toBe('CANCELLED');
    const killed = await run((n) => n === 20 && ffmpegChildren().forEach((pid) => process.kill(pid, 'SIGKILL')));
    expect(killed).toMatchObject({ reason: 'UNAVAILABLE', retryable: true });
    const failed = await run((n) => { if (n === 20) throw new RangeError('the synthesiser broke'); }); // prettier-ignore
    expect(failed).toMatchObject({ reason: 'INTERNAL', message: 'the synthesiser broke' });
    expect(leftovers()).toEqual([]);
    expect(folder.list()).not.toContain('never.mp4');
    expect(runningProcesses()).toBe(0);
  });

  test('says so when the disk is full, and leaves nothing behind', async () => {
    mkdirSync(path('small'));
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path('small')]).status !== 0) {
      console.log('Disk full was not tested: this user may not mount a tmpfs.');
      return;
    }
    try {
      makeMedia('-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=4', ...H264, path('big.mp4'));
      for (const kind of ['mp4', 'mkv']) {
        const error = await errorOf(
          muxSound({ videoPath: path('big.mp4'), sound: pcm(4), outputPath: path(`small/out.${kind}`) }),
        );
        expect(error).toMatchObject({ reason: 'EXHAUSTED', retryable: true });
        expect(error.message).toMatch(/disk/);
        expect(execFileSync('ls', ['-A', path('small')], { encoding: 'utf8' })).toBe('');
      }
    } finally {
      spawnSync('umount', [path('small')]);
    }
  });
});
