import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { longTest, longTests } from '@soundstage/core/contract-tests';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { flashesAndClicks, latenessMs, soundHash } from './flashes-and-clicks.js';
import { defaultRepairExtension, hashVideoPackets, probe, runningProcesses, shiftSound } from './index.js';
import { errorOf, ffmpegChildren, H264_B, makeMedia, sine, testFolder } from './test-media.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(120_000);
const folder = testFolder();
const { path } = folder;
const TIMES_S = [0.6, 1.2, 2, 2.4];
const clip = flashesAndClicks(TIMES_S, TIMES_S, 3);
const leftovers = () => folder.list().filter((name) => name.startsWith('.soundstage-'));
const MADE: Record<string, string[]> = {
  'aac.mp4': [...H264_B, '-c:a', 'aac', '-b:a', '192k'],
  'pcm.mov': [...H264_B, '-c:a', 'pcm_s16le'],
  'mp3.mkv': [...H264_B, '-c:a', 'libmp3lame', '-b:a', '192k'],
  'opus.webm': ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus', '-b:a', '192k'],
  'pcm.avi': ['-c:v', 'mpeg4', '-bf', '2', '-q:v', '3', '-c:a', 'pcm_s16le'],
  'mp3.avi': ['-c:v', 'mpeg4', '-q:v', '3', '-c:a', 'libmp3lame', '-b:a', '192k'],
  'mp2.mpg': ['-c:v', 'mpeg2video', '-bf', '2', '-q:v', '3', '-c:a', 'mp2', '-b:a', '256k'],
};

beforeAll(() => {
  for (const [name, coding] of Object.entries(MADE)) makeMedia(...clip, ...coding, '-ac', '2', path(name));
});
afterAll(folder.remove);

const known: Record<string, Promise<number[]>> = {};
const hashes: Record<string, Promise<string>> = {};

async function movesBy(input: string, output: string, byMs: number): Promise<void> {
  const result = await shiftSound({ path: path(input), outputPath: path(output), byMs });
  expect(result).toEqual({ outputPath: path(output), warnings: [] });
  const before = await (known[input] ??= latenessMs(path(input)));
  const after = await latenessMs(path(output));
  expect(before).toHaveLength(TIMES_S.length);
  expect(after.length).toBeGreaterThanOrEqual(byMs < -500 ? 2 : TIMES_S.length);
  after.reverse().forEach((lateMs, k) => {
    expect(Math.abs(lateMs - (before.at(-1 - k) as number) - byMs)).toBeLessThan(2);
  });
  expect(await hashVideoPackets(path(output))).toBe(await (hashes[input] ??= hashVideoPackets(path(input))));
  expect((await probe(path(output))).video?.frameCount).toBe(75);
}

describe('shiftSound', () => {
  test.each([
    ['aac.mp4', 'out.mp4', 333],
    ['aac.mp4', 'out.mp4', -1500],
    ['mp3.mkv', 'out.mkv', -40],
    ['opus.webm', 'out.webm', 20],
    ['pcm.avi', 'out.avi', 333],
    ['mp3.avi', 'out.mp4', 125],
    ['mp2.mpg', 'out.mp4', -125],
  ])('%s → %s: moves the sound by %s ms and leaves the picture as it is', movesBy);

  const SIZES_MS = [-1500, -333, -20, 20, 333, 3000];
  for (const input of Object.keys(MADE)) {
    const output = `long-${input.replace('mpg', 'mp4').replace('mp3.avi', 'mp3.mkv')}`;
    longTest(`${input} → ${output}: moves the sound by ${SIZES_MS.join(', ')} ms`, async () => {
      for (const byMs of SIZES_MS) await movesBy(input, output, byMs);
      if (input !== 'opus.webm') await movesBy(input, 'long.mkv', -60);
    });
  }

  test('copies the packets of the sound bit for bit', async () => {
    for (const name of ['aac.mp4', 'pcm.mov', 'opus.webm', 'mp3.avi']) {
      const output = path(`same-${name.replace('avi', 'mkv')}`);
      await shiftSound({ path: path(name), outputPath: output, byMs: 120 });
      expect(soundHash(output)).toBe(soundHash(path(name)));
    }
  });

  test('gives the same bytes for the same input, and moves back what it moved', async () => {
    for (const name of ['back1.mp4', 'back2.mp4'])
      await shiftSound({ path: path('aac.mp4'), outputPath: path(name), byMs: -250 });
    expect(readFileSync(path('back1.mp4')).equals(readFileSync(path('back2.mp4')))).toBe(true);
    await shiftSound({ path: path('back1.mp4'), outputPath: path('back.mp4'), byMs: 250 });
    for (const lateMs of await latenessMs(path('back.mp4'))) expect(Math.abs(lateMs)).toBeLessThan(1);
  });

  test('is right where the file begins late, has an edit list, or pictures at uneven times', async () => {
    const copied = ['-c', 'copy'];
    makeMedia('-i', path('mp2.mpg'), ...copied, '-output_ts_offset', '2', '-f', 'mpegts', path('late.ts'));
    makeMedia('-ss', '0.5', '-i', path('aac.mp4'), ...copied, path('edited.mp4'));
    const uneven = ['-vf', "select='not(eq(mod(n,7),3))'", '-fps_mode', 'vfr'];
    makeMedia('-i', path('aac.mp4'), ...uneven, ...H264_B, '-c:a', 'copy', path('uneven.mp4'));
    for (const [input, output] of [
      ['late.ts', 'late.mkv'],
      ['edited.mp4', 'edited2.mp4'],
      ['uneven.mp4', 'uneven2.mp4'],
    ] as const) {
      const before = await latenessMs(path(input));
      for (const byMs of longTests ? [70, -70] : [-70]) {
        await shiftSound({ path: path(input), outputPath: path(output), byMs });
        const after = await latenessMs(path(output));
        expect(after).toHaveLength(before.length);
        after.forEach((lateMs, k) => expect(Math.abs(lateMs - (before[k] as number) - byMs)).toBeLessThan(2));
      }
      expect((await probe(path(output))).video?.frameCount).toBe((await probe(path(input))).video?.frameCount);
    }
  });

  test('keeps all sounds, subtitles, chapters, metadata, dispositions and the rotation', async () => {
    writeFileSync(path('a.srt'), '1\n00:00:00,500 --> 00:00:01,500\nHello\n');
    writeFileSync(
      path('chapters.txt'),
      ';FFMETADATA1\ntitle=My film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=3000\ntitle=Two\n',
    );
    const all = ['-map', '0:v', '-map', '0:a', '-map', '3:a', '-map', '1', '-map_metadata', '2'];
    makeMedia(
      ...['-i', path('aac.mp4'), '-i', path('a.srt'), '-i', path('chapters.txt'), ...sine(3), ...all],
      ...['-c', 'copy', '-c:a:1', 'aac', '-c:s', 'mov_text', '-metadata:s:v', 'rotate=90'],
      ...['-metadata:s:a:1', 'language=kor', '-disposition:a:1', 'comment', path('rich.mp4')],
    );
    const entries =
      'stream=index,codec_name:stream_disposition=default,comment:stream_tags=language:format_tags=title:chapter=start_time,end_time:chapter_tags';
    const told = (name: string) =>
      JSON.parse(
        execFileSync('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', path(name)], {
          encoding: 'utf8',
        }),
      ) as { chapters: unknown[]; streams: unknown[] };
    for (const name of ['rich-out.mp4', 'rich-out.mov']) {
      const { warnings } = await shiftSound({ path: path('rich.mp4'), outputPath: path(name), byMs: 100 });
      expect(warnings).toEqual([]);
      expect((await probe(path(name))).video?.rotationDegrees).toBe(
        (await probe(path('rich.mp4'))).video?.rotationDegrees,
      );
      const was = told('rich.mp4');
      expect(was.chapters).toHaveLength(2);
      expect(told(name)).toEqual(name.endsWith('.mp4') ? was : { ...was, streams: expect.any(Array) });
    }
    makeMedia(
      ...[
        '-i',
        path('mp3.mkv'),
        '-i',
        path('a.srt'),
        '-i',
        path('chapters.txt'),
        '-map',
        '0',
        '-map',
        '1',
        '-c',
        'copy',
      ],
      ...[
        '-map_metadata',
        '2',
        '-attach',
        path('chapters.txt'),
        '-metadata:s:t',
        'mimetype=text/plain',
        path('rich.mkv'),
      ],
    );
    await shiftSound({ path: path('rich.mkv'), outputPath: path('rich-out.mkv'), byMs: -100 });
    expect(told('rich.mkv').streams).toHaveLength(4);
    expect(told('rich-out.mkv')).toEqual(told('rich.mkv'));
    const { warnings } = await shiftSound({ path: path('rich.mkv'), outputPath: path('poor.mp4'), byMs: -100 });
    expect(warnings).toEqual(["“.mp4” can't carry 1 stream of attachments of “rich.mkv”: it was left out."]);
  });

  test('says what it doesn’t take', async () => {
    makeMedia('-i', path('aac.mp4'), '-an', '-c', 'copy', path('silent.mp4'));
    makeMedia('-i', path('pcm.mov'), '-vn', '-c', 'copy', path('only.wav'));
    makeMedia(...clip, ...H264_B, '-c:a', 'pcm_s16le', path('h264.avi'));
    const to = async (input: string, output: string, byMs = 100) =>
      (await errorOf(shiftSound({ path: path(input), outputPath: path(output), byMs }))).message;
    expect(await to('silent.mp4', 'x.mp4')).toBe('“silent.mp4” has no sound to bring in time.');
    expect(await to('only.wav', 'x.mp4')).toBe('“only.wav” has no picture to bring its sound in time with.');
    expect(await to('aac.mp4', 'x.mp4', 10_001)).toMatch(/moved by 10 s at most/);
    expect(await to('aac.mp4', 'x.mp4', NaN)).toMatch(/moved by 10 s at most/);
    expect(await to('aac.mp4', 'x.mp4', -3000)).toMatch(/ends at 3\.\d+ s: moved by -3000 ms, nothing of it is left/);
    expect(await to('aac.mp4', 'x.wmv')).toMatch(
      /“\.wmv” isn't a kind of video that is written: name the output \.mp4 or/,
    );
    expect(await to('aac.mp4', 'x.webm')).toMatch(/\.webm can't carry the picture of “aac\.mp4”/);
    expect(await to('pcm.mov', 'x.mp4')).toBe(
      "“pcm.mov” can't be put into .mp4 with its sound (pcm_s16le) as it is: name the output .mov or .mkv.",
    );
    expect(await to('mp3.avi', 'x.avi')).toMatch(/sound \(mp3\).*: name the output \.mp4 or \.mov or \.mkv/);
    expect(await to('h264.avi', 'x.mkv')).toMatch(
      /doesn't tell when its pictures are shown \(h264 with B-frames in AVI\)/,
    );
    expect(leftovers()).toEqual([]);
  });

  test('never writes over its input, also by another name', async () => {
    copyFileSync(path('aac.mp4'), path('mine.mp4'));
    execFileSync('ln', [path('mine.mp4'), path('hard.mp4')]);
    execFileSync('ln', ['-s', path('mine.mp4'), path('soft.mp4')]);
    for (const name of ['mine.mp4', 'hard.mp4', 'soft.mp4']) {
      const error = await errorOf(shiftSound({ path: path('mine.mp4'), outputPath: path(name), byMs: 40 }));
      expect(error.message).toMatch(/is the input itself/);
    }
    expect(readFileSync(path('mine.mp4')).equals(readFileSync(path('aac.mp4')))).toBe(true);
  });

  test('leaves nothing behind when it is cancelled or killed', async () => {
    const run = (onProgress: () => void, signal?: AbortSignal) =>
      errorOf(shiftSound({ path: path('mp3.avi'), outputPath: path('never.mkv'), byMs: 40, onProgress, signal }));
    const controller = new AbortController();
    const watch = setInterval(() => ffmpegChildren().length > 0 && controller.abort(), 2);
    expect((await run(() => {}, controller.signal)).reason).toBe('CANCELLED');
    clearInterval(watch);
    const killer = setInterval(() => {
      if (leftovers().length > 0) ffmpegChildren().forEach((pid) => process.kill(pid, 'SIGKILL'));
    }, 2);
    expect((await run(() => {})).reason).toBe('UNAVAILABLE');
    clearInterval(killer);
    expect(leftovers()).toEqual([]);
    expect(folder.list()).not.toContain('never.mkv');
    expect(runningProcesses()).toBe(0);
  });

  test('suggests the extension of the file’s own kind where picture and sound can stay as they are', async () => {
    const suggested = async (name: string) => defaultRepairExtension(await probe(path(name)));
    expect(await Promise.all(Object.keys(MADE).map(suggested))).toEqual(
      ['.mp4', '.mov', '.mkv', '.webm', '.avi', '.mp4', '.mp4'], // prettier-ignore
    );
  });
});
