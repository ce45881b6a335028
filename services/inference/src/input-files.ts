import { basename } from 'node:path';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.mov': 'video/quicktime',
  '.mkv': 'video/x-matroska',
  '.webm': 'video/webm',
  '.avi': 'video/x-msvideo',
  '.mpg': 'video/mpeg',
  '.ts': 'video/mp2t',
};

/** The media type of a video by its extension. */
export const mediaTypeOf = (extension: string): string => MEDIA_TYPES[extension] ?? 'application/octet-stream';

/** The name that people gave, as far as a file system takes it. */
export function fileNameFrom(given: string): string {
  const name = basename(given.replaceAll('\0', '')).slice(0, 60);
  return name === '' || name === '.' || name === '..' ? 'video' : name;
}
