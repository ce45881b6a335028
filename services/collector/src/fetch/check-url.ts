import { isIP } from 'node:net';
import { throwIfAborted } from '@soundstage/core';
import { refuse } from '../refusal.js';
import { notPublic } from './ip-address.js';

/** All addresses of a host name. @throws an error with the code ENOTFOUND where it has none */
export type Resolve = (hostName: string) => Promise<readonly string[]>;

/** What the fetcher may connect to. */
export interface Reach {
  /** Ports of hosts on the public internet. */
  ports: readonly number[];
  /** `host:port` as written in URLs, wherever it leads: a mirror of one's own, or a test's server. */
  allow: ReadonlySet<string>;
  resolve: Resolve;
}

/** A URL with the addresses that it may be fetched from. */
export interface CheckedUrl {
  url: URL;
  addresses: readonly string[];
}

const LONGEST_URL = 2000;

/**
 * Reads a URL: http or https, with a host, no user or password in it.
 *
 * @param base what a relative one (of a redirect) counts from
 * @throws a refusal `bad_url`
 */
export function readUrl(text: string, base?: URL): URL {
  if (text.length > LONGEST_URL) {
    throw refuse('bad_url', `A URL has ${text.length} letters; the limit is ${LONGEST_URL}.`);
  }
  const url = URL.parse(text, base?.href);
  if (url === null || url.hostname === '') throw refuse('bad_url', `${JSON.stringify(text.slice(0, 100))} is no URL.`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refuse('bad_url', `${url.protocol} addresses aren't fetched: give one with http: or https:.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw refuse('bad_url', `The address at ${url.host} has a user name or password in it: leave it out.`);
  }
  url.hash = '';
  return url;
}

/** The port that a URL means. */
export const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80));

/**
 * Finds the addresses of a URL's host and makes sure that every one of them is public: one private address among public
 * ones is an attempt to get in. Whoever connects must use these addresses and not ask again, since a second answer may
 * be another (DNS rebinding).
 *
 * @throws a refusal: `private_address`, `port_refused`, `host_unknown`
 */
export async function checkUrl(url: URL, reach: Reach, signal?: AbortSignal): Promise<CheckedUrl> {
  const port = portOf(url);
  const allowed = reach.allow.has(`${url.hostname}:${port}`);
  if (!allowed && !reach.ports.includes(port)) {
    throw refuse(
      'port_refused',
      `${url.host} has the port ${port}; only ${reach.ports.join(' and ')} are fetched from.`,
    );
  }
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(literal) ? [literal] : await lookUp(url.hostname, reach.resolve, signal);
  for (const address of allowed ? [] : addresses) {
    const why = notPublic(address);
    if (why !== undefined) {
      throw refuse(
        'private_address',
        `${url.hostname} is at a ${why} address, which isn't fetched from: allow it in SOUNDSTAGE_COLLECT_ALLOW if it is yours.`,
      );
    }
  }
  return { url, addresses };
}

/** A host that is asked for so long has no name server that answers. */
const LOOK_UP_MS = 15_000;

async function lookUp(host: string, resolve: Resolve, signal: AbortSignal | undefined): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(refuse('unreachable', `Nobody tells where ${host} is.`)), LOOK_UP_MS);
  });
  try {
    const addresses = await Promise.race([resolve(host), late]).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTFOUND' || code === 'ENODATA') {
        throw refuse('host_unknown', `There is no host ${host}.`, { cause: error });
      }
      if (code === undefined) throw error;
      throw refuse('unreachable', `Nobody tells where ${host} is (${code}).`, { cause: error });
    });
    throwIfAborted(signal);
    if (addresses.length === 0) throw refuse('host_unknown', `There is no host ${host}.`);
    return addresses;
  } finally {
    clearTimeout(timer);
  }
}
