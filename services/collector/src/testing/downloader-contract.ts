import { mkdtemp, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { probe } from '@soundstage/media';
import type { Downloader } from '../download/downloader.js';
import { refusalOf } from '../refusal.js';

export interface DownloaderFixture {
  downloader: Downloader;
  /** A folder for the tests' files. */
  folder: string;
  /** A part that can be had, and one that can't. */
  present: { videoId: string; startS: number; durationS: number };
  absent: { videoId: string; startS: number; durationS: number };
}

/** Holds a downloader to the port. */
export function downloaderContract(name: string, fixture: () => DownloaderFixture): void {
  describe(`${name}, as a downloader,`, () => {
    const limits = { maxBytes: 10_000_000, maxSeconds: 20, signal: new AbortController().signal };
    const newFolder = () => mkdtemp(join(fixture().folder, 'download-'));

    test('says that it is ready', async () => {
      await expect(fixture().downloader.ready()).resolves.toBeUndefined();
    });

    test('brings a part into the folder, where it can be looked at', async () => {
      const { downloader, present } = fixture();
      const folder = await newFolder();
      const path = await downloader.download(present, folder, limits);
      expect(path.startsWith(folder)).toBe(true);
      expect((await stat(path)).isFile()).toBe(true);
      expect((await probe(path)).video).toBeDefined();
    });

    test('refuses for good what there isn’t', async () => {
      const { downloader, absent } = fixture();
      const error: unknown = await downloader.download(absent, await newFolder(), limits).catch((e: unknown) => e);
      expect(refusalOf(error)).toMatchObject({ reason: 'video_unavailable', final: true });
      expect(refusalOf(error).message).toContain(absent.videoId);
    });

    test.each([
      { videoId: '--exec=reboot', startS: 0, durationS: 10 },
      { videoId: '../../etc/x', startS: 0, durationS: 10 },
      { videoId: '', startS: 0, durationS: 10 },
      { videoId: 'aGoodVideo1', startS: -1, durationS: 10 },
      { videoId: 'aGoodVideo1', startS: NaN, durationS: 10 },
      { videoId: 'aGoodVideo1', startS: 0, durationS: 1e9 },
    ])('takes no part like %j', async (clip) => {
      const folder = await newFolder();
      await expect(fixture().downloader.download(clip, folder, limits)).rejects.toMatchObject({ reason: 'BAD_INPUT' });
      expect(await readdir(folder)).toEqual([]);
    });

    test('brings nothing that is too large', async () => {
      const { downloader, present } = fixture();
      const fetching = downloader.download(present, await newFolder(), { ...limits, maxBytes: 100 });
      const size = fetching.then(
        async (path) => (await stat(path)).size,
        (error: unknown) => refusalOf(error).reason,
      );
      // A program may be done before it is weighed; then whoever asked looks at the file.
      const outcome = await size;
      if (typeof outcome === 'string') expect(outcome).toBe('too_large');
      else expect(outcome).toBeGreaterThan(100);
    });

    test('does nothing for who has cancelled', async () => {
      const { downloader, present } = fixture();
      const folder = await newFolder();
      const cancelled = { ...limits, signal: AbortSignal.abort() };
      await expect(downloader.download(present, folder, cancelled)).rejects.toMatchObject({ reason: 'CANCELLED' });
    });
  });
}
