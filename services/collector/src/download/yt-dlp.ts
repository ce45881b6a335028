import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetClip } from '@soundstage/contracts';
import { badInput } from '@soundstage/core';
import { refuse } from '../refusal.js';
import { isPart, type Downloader } from './downloader.js';
import { findOnPath } from './find-on-path.js';
import { runGuarded } from './run-guarded.js';
import { explainYtDlp } from './yt-dlp-errors.js';

/** Enough picture for every profile of the preprocessor, and sound; mp4 where there is one. */
const FORMAT = 'bestvideo[height<=480][ext=mp4]+bestaudio[ext=m4a]/best[height<=480]/best';

/**
 * Downloads with yt-dlp, a program of its own that lives on the machine: the part alone, cut to the frame, at most 480
 * lines. It gets arguments, never a shell's line, and an id whose letters were checked; no configuration, plugins or
 * cookies of the machine's user.
 *
 * @param program its path; default: `yt-dlp` on PATH
 */
export function createYtDlp({ program }: { program?: string | undefined } = {}): Downloader {
  async function find(): Promise<string> {
    const found = await findOnPath(program ?? 'yt-dlp');
    if (found !== undefined) return found;
    throw refuse(
      'downloader_missing',
      program === undefined
        ? `yt-dlp isn't installed: install it (pipx install yt-dlp, apt-get install yt-dlp, brew install yt-dlp) or set SOUNDSTAGE_YT_DLP, or set SOUNDSTAGE_DATASET_DIR to a folder of videos that you have.`
        : `SOUNDSTAGE_YT_DLP names no program that can be run: ${program}`,
    );
  }

  return {
    async ready() {
      await find();
    },

    async download(clip, folder, { maxBytes, maxSeconds, signal }) {
      if (!isPart(clip)) throw badInput('The part has no valid id, start or length.', 'spec.dataset_clip');
      const path = await find();
      const home = join(folder, '.home');
      await mkdir(home);
      const { code, said } = await runGuarded(path, argumentsFor(clip, folder, maxBytes), {
        subject: clip.videoId,
        folder,
        home,
        maxBytes,
        maxSeconds,
        signal,
      });
      const file = (await readdir(folder)).find((name) => name.startsWith('clip.') && !name.endsWith('.part'));
      if (code === 0 && file !== undefined) return join(folder, file);
      throw explainYtDlp(clip.videoId, code, said);
    },
  };
}

/** yt-dlp's arguments for one part, the address last, behind `--`. */
export function argumentsFor({ videoId, startS, durationS }: DatasetClip, folder: string, maxBytes: number): string[] {
  return [
    ...['--ignore-config', '--no-plugin-dirs', '--no-cache-dir', '--no-update', '--no-progress', '--no-mtime'],
    ...['--no-playlist', '--match-filters', '!is_live'],
    ...['--socket-timeout', '30', '--retries', '2', '--fragment-retries', '2'],
    ...['--max-filesize', String(maxBytes), '--format', FORMAT],
    ...['--download-sections', `*${startS}-${startS + durationS}`, '--force-keyframes-at-cuts'],
    ...['--paths', folder, '--output', 'clip.%(ext)s'],
    ...['--', `https://www.youtube.com/watch?v=${videoId}`],
  ];
}
