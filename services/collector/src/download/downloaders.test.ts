import { chmod, copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeTestClip, temporaryFolder, until, withEnvironment } from '@soundstage/core/testing';
import { refusalOf } from '../refusal.js';
import { downloaderContract } from '../testing/downloader-contract.js';
import { createDatasetFolder } from './dataset-folder.js';
import { createYtDlp } from './yt-dlp.js';

const FAKE = fileURLToPath(new URL('../../src/testing/fake-yt-dlp', import.meta.url));
const part = (videoId: string) => ({ videoId, startS: 30, durationS: 10 });

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let program: string;
beforeAll(async () => {
  home = await temporaryFolder();
  // Beside it lies what it "downloads".
  program = join(home.path, 'yt-dlp');
  await copyFile(FAKE, program);
  await chmod(program, 0o755);
  await makeTestClip(join(home.path, 'clip.mp4'), { seconds: 1 });
  await mkdir(join(home.path, 'videos'));
  await copyFile(join(home.path, 'clip.mp4'), join(home.path, 'videos', 'aGoodVideo1_000030.mp4'));
  await copyFile(join(home.path, 'clip.mp4'), join(home.path, 'videos', 'aGoodVideo2_1500_11500.mp4'));
});
afterAll(() => home.remove());

downloaderContract('yt-dlp', () => ({
  downloader: createYtDlp({ program }),
  folder: home.path,
  present: part('aGoodVideo1'),
  absent: part('unavailable'),
}));

downloaderContract('a folder of videos', () => ({
  downloader: createDatasetFolder(join(home.path, 'videos')),
  folder: home.path,
  present: part('aGoodVideo1'),
  absent: part('unavailable'),
}));

describe('a folder of videos', () => {
  test('knows the names that carry milliseconds, and other starts for what they are: not there', async () => {
    const downloader = createDatasetFolder(join(home.path, 'videos'));
    const options = { maxBytes: 1e9, maxSeconds: 20, signal: new AbortController().signal };
    const folder = await mkdtemp(join(home.path, 'download-'));
    const named = { videoId: 'aGoodVideo2', startS: 1.5, durationS: 10 };
    expect(await downloader.download(named, folder, options)).toBe(join(folder, 'clip.mp4'));
    await expect(downloader.download({ ...named, startS: 2 }, folder, options)).rejects.toThrow('from 2 s on');
    await expect(createDatasetFolder(join(home.path, 'nowhere')).ready()).rejects.toThrow('SOUNDSTAGE_DATASET_DIR');
  });
});

describe('yt-dlp', () => {
  const download = async (
    videoId: string,
    options: { maxBytes?: number; maxSeconds?: number; signal?: AbortSignal } = {},
  ) => {
    const folder = join(await mkdtemp(join(home.path, 'download-')), 'clip');
    await mkdir(folder);
    const limits = { maxBytes: 1e9, maxSeconds: 20, signal: new AbortController().signal, ...options };
    return { folder, done: createYtDlp({ program }).download(part(videoId), folder, limits) };
  };
  const refusal = async (...args: Parameters<typeof download>) =>
    refusalOf(await (await download(...args)).done.catch((error: unknown) => error));

  test('is given arguments, the address last and behind "--"', async () => {
    const { folder, done } = await download('aGoodVideo1');
    expect(await done).toBe(join(folder, 'clip.mp4'));
    const given = (await readFile(join(folder, '.arguments'), 'utf8')).trim().split('\n');
    expect(given.slice(-2)).toEqual(['--', 'https://www.youtube.com/watch?v=aGoodVideo1']);
    expect(given).toEqual(expect.arrayContaining(['--ignore-config', '--no-playlist', '*30-40']));
    expect(given[given.indexOf('--paths') + 1]).toBe(folder);
  });

  test.each([
    ['unavailable', 'video_unavailable', true],
    ['aPrivateOne', 'video_private', true],
    ['removedVid1', 'video_removed', true],
    ['adultsOnly1', 'video_age_restricted', true],
    ['notHereSorr', 'video_geo_blocked', true],
    ['aLiveStream', 'video_not_yet', false],
    ['tooMuchAsk1', 'rate_limited', false],
    ['aRobotHere1', 'login_asked', false],
    ['noNetworkAt', 'unreachable', false],
    ['tooLarge001', 'too_large', true],
    ['strangeEnd1', 'downloader_failed', false],
  ])('%s is refused as %s', async (videoId, reason, final) => {
    expect(await refusal(videoId)).toMatchObject({ reason, final });
  });

  test('asks for a pause when it was too much', async () => {
    const { done } = await download('tooMuchAsk1');
    await expect(done).rejects.toMatchObject({ retryable: true, retryAfterMs: 60_000 });
  });

  test('is stopped when it fills the disk or takes too long', async () => {
    expect(await refusal('fillingDisk', { maxBytes: 300_000 })).toMatchObject({ reason: 'too_large' });
    expect(await refusal('aSlowVideo1', { maxSeconds: 0.5 })).toMatchObject({ reason: 'too_slow' });
  });

  test('ends with all that it started when the work is cancelled', async () => {
    const abort = new AbortController();
    const { folder, done } = await download('aSlowVideo1', { signal: abort.signal });
    const pid = () => readFile(join(folder, '..', 'child.pid'), 'utf8').then(Number, () => 0);
    await until(async () => (await pid()) > 0);
    expect(isAlive(await pid())).toBe(true);
    abort.abort();
    await expect(done).rejects.toMatchObject({ name: 'AbortError' });
    await until(async () => !isAlive(await pid()));
  });

  test('that isn’t there is missed with a sentence that tells how to get it', async () => {
    await writeFile(join(home.path, 'no-program'), 'x');
    await withEnvironment({ PATH: join(home.path, 'videos') }, async () => {
      await expect(createYtDlp().ready()).rejects.toThrow(/isn't installed: install it \(pipx install yt-dlp/);
    });
    const named = createYtDlp({ program: join(home.path, 'no-program') });
    await expect(named.ready()).rejects.toThrow('SOUNDSTAGE_YT_DLP names no program');
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
