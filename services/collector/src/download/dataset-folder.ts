import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetClip } from '@soundstage/contracts';
import { badInput, throwIfAborted } from '@soundstage/core';
import { refuse } from '../refusal.js';
import { isPart, type Downloader } from './downloader.js';

const EXTENSIONS = ['mp4', 'webm', 'mkv'];

/**
 * Takes the parts of a dataset from a folder that somebody downloaded before, by the names that people give them:
 * `<id>_<start, six digits>.mp4` (VGGSound's own), or `<id>_<start ms>_<end ms>.mp4`.
 */
export function createDatasetFolder(folder: string): Downloader {
  return {
    async ready() {
      const found = await stat(folder).catch(() => undefined);
      if (found?.isDirectory()) return;
      throw refuse('downloader_missing', `SOUNDSTAGE_DATASET_DIR names no folder: ${folder}`);
    },

    async download(clip, target, { maxBytes, signal }) {
      if (!isPart(clip)) throw badInput('The part has no valid id, start or length.', 'spec.dataset_clip');
      throwIfAborted(signal);
      for (const name of namesOf(clip)) {
        const path = join(folder, name);
        const found = await stat(path).catch(() => undefined);
        if (!found?.isFile()) continue;
        if (found.size > maxBytes) {
          throw refuse('too_large', `${name} has ${found.size} bytes; the limit is ${maxBytes}.`);
        }
        const copy = join(target, `clip.${name.split('.').pop()}`);
        await copyFile(path, copy);
        return copy;
      }
      throw refuse(
        'video_unavailable',
        `The dataset's folder has no part of ${clip.videoId} from ${clip.startS} s on.`,
      );
    },
  };
}

function namesOf({ videoId, startS, durationS }: DatasetClip): string[] {
  const startMs = Math.round(startS * 1000);
  const endMs = Math.round((startS + durationS) * 1000);
  const stems = [`${videoId}_${String(Math.floor(startS)).padStart(6, '0')}`, `${videoId}_${startMs}_${endMs}`];
  return stems.flatMap((stem) => EXTENSIONS.map((extension) => `${stem}.${extension}`));
}
