import { createHash, createVerify, type KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface SignedRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
}

/**
 * Checks a signed address as Google's documentation describes version 4.
 * https://cloud.google.com/storage/docs/authentication/signatures
 *
 * @returns the status that a refusal has, or undefined for an address that holds
 */
export function refusalOf(
  { method, url, headers }: SignedRequest,
  key: KeyObject,
  now = Date.now(),
): number | undefined {
  const query = new URLSearchParams(url.searchParams);
  const signature = query.get('X-Goog-Signature') ?? '';
  query.delete('X-Goog-Signature');
  const names = (query.get('X-Goog-SignedHeaders') ?? '').split(';');
  // What isn't signed could be made up by whoever has the address.
  const unsigned = Object.keys(headers).filter((name) => name.startsWith('x-goog-') && !names.includes(name));
  if (unsigned.length > 0) return 403;
  const canonicalHeaders = names.map((name) => {
    const value = name === 'host' ? url.hostname : String(headers[name] ?? '');
    return `${name}:${value.trim()}\n`;
  });
  const request = [
    method,
    url.pathname,
    [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join('&'), // prettier-ignore
    canonicalHeaders.join(''),
    names.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const date = query.get('X-Goog-Date') ?? '';
  const scope = (query.get('X-Goog-Credential') ?? '').split('/').slice(1).join('/');
  const toSign = ['GOOG4-RSA-SHA256', date, scope, createHash('sha256').update(request).digest('hex')].join('\n');
  if (!createVerify('RSA-SHA256').update(toSign).verify(key, Buffer.from(signature, 'hex'))) return 403;
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const endsMs = Date.parse(iso) + Number(query.get('X-Goog-Expires')) * 1000;
  return now < endsMs ? undefined : 400;
}

const encode = (part: string) =>
  encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
