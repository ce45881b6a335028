import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { refuse } from '../refusal.js';

/** Types that can't be a clip; whatever else it is called, the content is looked at afterwards. */
const NEVER_MEDIA = [
  /^text\//,
  /^application\/(.*\+)?(json|xml|javascript|pdf|zip|gzip|x-tar)$/,
  // Playlists name other addresses, which nobody checked.
  /^(application|audio)\/(x-|vnd\.apple\.)?mpegurl$/,
  /^application\/dash\+xml$/,
  /^multipart\//,
  /^image\/svg/,
];

/** @throws a refusal `wrong_content_type` for a page, a playlist and the like */
export function checkContentType(header: string | undefined, url: URL): void {
  const type = (header ?? '').split(';')[0]!.trim().toLowerCase();
  if (NEVER_MEDIA.some((pattern) => pattern.test(type))) {
    throw refuse('wrong_content_type', `${url.host} sends ${type.slice(0, 100)}, which is no picture and no sound.`);
  }
}

/**
 * What unpacks an answer that is packed though nobody asked for it; undefined where it is plain.
 *
 * @throws a refusal `bad_encoding` for one that isn't known, or several
 */
export function decoderOf(header: string | undefined, url: URL): Transform | undefined {
  const encoding = (header ?? '').trim().toLowerCase();
  switch (encoding) {
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw refuse('bad_encoding', `${url.host} packs its content as ${encoding.slice(0, 40)}, which isn't known.`);
  }
}
