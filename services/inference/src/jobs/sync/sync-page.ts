import { basename, dirname, relative, resolve, sep } from 'node:path';
import type { MediaInfo } from '@soundstage/media';
import { syncReport, type SyncMeasurement } from '@soundstage/sync';
import { thumbnailsOf } from './thumbnails.js';

/**
 * The page with all that a measurement rests on, as HTML in one file. It plays the files beside it by their relative
 * paths, unless `playable` is false. `after`: where a repaired file was measured; `kept`: whether it is at outputPath.
 *
 * Errors: as `jpegStills`.
 */
export async function syncPage(options: {
  inputPath: string;
  outputPath?: string | undefined;
  reportPath: string;
  title?: string | undefined;
  playable?: boolean | undefined;
  info: MediaInfo;
  before: SyncMeasurement;
  after: SyncMeasurement | undefined;
  kept: boolean;
  signal?: AbortSignal | undefined;
}): Promise<string> {
  const { inputPath, outputPath, reportPath, playable = true, info, before, after, kept, signal } = options;
  const address = (path: string): string =>
    relative(dirname(resolve(reportPath)), resolve(path))
      .split(sep)
      .map((part) => encodeURIComponent(part.toWellFormed()))
      .join('/');
  return syncReport({
    title: options.title ?? basename(inputPath),
    before,
    ...(after === undefined ? {} : { after, kept }),
    thumbnails: await thumbnailsOf(inputPath, before, { info, signal }),
    ...(playable && {
      players: {
        before: address(inputPath),
        ...(kept && outputPath !== undefined ? { after: address(outputPath) } : {}),
      },
    }),
  });
}
