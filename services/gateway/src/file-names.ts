const EXTENSIONS: Record<string, string> = {
  'video/mp4': '.mp4',
  'video/quicktime': '.mov',
  'video/webm': '.webm',
  'video/x-matroska': '.mkv',
  'video/x-msvideo': '.avi',
  'video/mpeg': '.mpg',
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/webp': '.webp',
  'application/json': '.json',
  'text/html': '.html',
  'text/vtt': '.vtt',
};

/**
 * The media type that a stored object may be served under. What an uploader states is not trusted: only video,
 * sound and photos are named, never anything that a browser would run, such as an SVG.
 */
export function safeMediaType(stated: string): string {
  const type = stated.toLowerCase().split(';')[0]?.trim() ?? '';
  const harmless = /^((video|audio)\/[a-z0-9][a-z0-9.+-]{0,60}|image\/(png|jpeg|webp))$/.test(type);
  return harmless ? type : 'application/octet-stream';
}

/** The media type of an upload: as stated, or by the file's name where a client states none that fits. */
export function mediaTypeOf(stated: string, fileName: string): string {
  const safe = safeMediaType(stated);
  if (safe !== 'application/octet-stream') return safe;
  const name = fileName.toLowerCase().replace(/\.jpeg$/, '.jpg');
  const byName = Object.entries(EXTENSIONS).find(([, extension]) => name.endsWith(extension));
  return safeMediaType(byName?.[0] ?? safe);
}

export function extensionOf(mediaType: string): string {
  return EXTENSIONS[mediaType.split(';')[0] ?? ''] ?? '';
}

/** What a client calls a file, fit to be shown: no path, no control or direction characters, at most 120 characters. */
export function displayName(name: string): string {
  const shown = lastOfPath(name)
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return [...shown].slice(0, 120).join('') || 'video';
}

/**
 * Makes the base of a file name out of what a client sends: fit to be shown, nothing that Windows refuses, no leading
 * dot, at most 100 characters, no extension.
 */
export function safeBaseName(name: string, fallback: string): string {
  const base = displayName(name)
    .replace(/\.[^.]{0,5}$/, '')
    .replace(/[<>:"|?*]+/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  return (name && [...base].slice(0, 100).join('')) || fallback;
}

function lastOfPath(name: string): string {
  return name.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
}

/** RFC 6266 with an RFC 5987 name beside a plain one for old clients. */
export function contentDisposition(kind: 'inline' | 'attachment', fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
